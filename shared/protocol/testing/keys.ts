// Schemas that look at names alone: what fields hold, today's schemas check.

import { z } from 'zod';

const any = z.unknown();

/** An object with no other fields than these, which are named in one text. */
export function keys(names: string, fields: Record<string, z.ZodType> = {}) {
  const named = names === '' ? [] : names.split(' ');
  return z.strictObject({ ...Object.fromEntries(named.map((name) => [name, any.optional()])), ...fields });
}

/** The same of a message of this type. */
export function message(type: string, names = '', fields: Record<string, z.ZodType> = {}) {
  return keys(names, { type: z.literal(type), ...fields });
}

// Errors across Durable Object RPC: a thrown LoomError would arrive as a plain Error, so it travels as data.

import { LoomError } from '../../shared/errors.ts';
import type { ErrorBody } from '../../shared/errors.ts';

export type Answer<T> = { ok: true; value: T } | { ok: false; error: ErrorBody };

export async function answer<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof LoomError) return { ok: false, error: error.toJSON() };
    throw error;
  }
}

/** The value, or the LoomError that the other side threw. */
export async function valueOf<T>(pending: Promise<Answer<T>>): Promise<T> {
  const result = await pending;
  if (result.ok) return result.value;
  throw LoomError.from(result.error);
}

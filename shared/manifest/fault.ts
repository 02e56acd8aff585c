// What is wrong with a manifest, in words for its owner: where, what, and what would be right.

import { z } from 'zod';
import type { LoomError } from '../errors.ts';

type Issue = z.core.$ZodIssue;
type Fault = Pick<LoomError, 'message'> & { where: string; allowed?: string };

const typeNames: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'a mapping of fields',
  record: 'a mapping of fields',
};

/** Describes the first issue that `schema` found in `value`. */
export function describeIssue(outer: Issue, schema: z.ZodType, value: unknown): Fault {
  const issue = insideUnions(outer);
  const where = issue.path.join('.') || 'manifest';
  const found = issue.path.reduce<unknown>(
    (part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const allowed = allowedBy(issue, schema, value);
  const message = found === undefined && allowed !== undefined ? 'is missing' : whatIsWrong(issue, found);
  return { where, message, ...(allowed !== undefined && { allowed }) };
}

/** Of a union's alternatives the one that was meant: where the fault lies deepest, else the first. */
function insideUnions(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  if (issue.message !== 'Invalid input') return { code: 'custom', path: issue.path, message: issue.message }; // the union has words of its own
  const firsts = issue.errors.map((issues) => insideUnions(issues[0]!));
  const meant = firsts.reduce((best, other) => (other.path.length > best.path.length ? other : best));
  return { ...meant, path: [...issue.path, ...meant.path] };
}

function whatIsWrong(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `unknown field ${issue.keys.join(', ')}`;
    case 'invalid_type':
      return `${show(found)} is not accepted`;
    case 'invalid_value':
    case 'invalid_union': // no alternative has this discriminator
      return `${show(found)} is not supported`;
    case 'too_small':
      return `${show(found)} is too small`;
    case 'too_big':
      return `${show(found)} is too ${issue.origin === 'string' ? 'long' : 'large'}`;
    default:
      return issue.message; // written in the schema
  }
}

function allowedBy(issue: Issue, schema: z.ZodType, value: unknown): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      return Object.keys(objectAt(schema, issue.path, value).shape).join(', ');
    case 'invalid_type':
      return typeName(issue.expected);
    case 'invalid_value':
      return issue.values.map(String).join(', ');
    case 'invalid_union':
      return discriminators(objectsAt(schema, issue.path.slice(0, -1)), issue.path.at(-1)).join(', ');
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    default:
      return undefined;
  }
}

/** The object schema at `path`; of a union's alternatives the one with the value's `kind`, else the first. */
function objectAt(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): z.ZodObject {
  const objects = objectsAt(schema, path);
  const found = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const kind = (found as { kind?: unknown } | undefined)?.kind;
  return objects.find((object) => object.shape['kind']?.safeParse(kind).success) ?? objects[0]!;
}

function objectsAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodObject[] {
  const step = (outer: unknown, key: PropertyKey): unknown =>
    objectsIn(outer).find(({ shape }) => key in shape)!.shape[key as string];
  return objectsIn(path.reduce<unknown>(step, schema));
}

/** The object schemas inside defaults, optionals, unions and what is transformed. */
function objectsIn(schema: unknown): z.ZodObject[] {
  if (schema instanceof z.ZodPipe) return objectsIn(schema.in);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(objectsIn);
  if (schema instanceof z.ZodObject) return [schema];
  return 'unwrap' in (schema as object) ? objectsIn((schema as z.ZodPrefault).unwrap()) : [];
}

/** The values of a literal field that alternatives are told apart by. */
function discriminators(objects: readonly z.ZodObject[], key: PropertyKey | undefined): string[] {
  return objects
    .flatMap(({ shape }) => [...(shape[key as string]?._zod.values ?? [])].filter((value) => value !== undefined))
    .map(String);
}

function typeName(expected: string): string {
  return typeNames[expected] ?? expected;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

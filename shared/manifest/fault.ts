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
  const allowed = allowedBy(issue, schema);
  const message = found === undefined && allowed !== undefined ? 'is missing' : whatIsWrong(issue, found);
  return { where, message, ...(allowed !== undefined && { allowed }) };
}

/** Of a union's alternatives the one that was meant: where the fault lies deepest, else the first. */
function insideUnions(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
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
      return `${show(found)} is not supported`;
    case 'too_small':
      return `${show(found)} is too small`;
    case 'too_big':
      return `${show(found)} is too ${issue.origin === 'string' ? 'long' : 'large'}`;
    default:
      return issue.message; // written in the schema
  }
}

function allowedBy(issue: Issue, schema: z.ZodType): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      return fieldsAt(schema, issue.path).join(', ');
    case 'invalid_type':
      return typeName(issue.expected);
    case 'invalid_value':
      return issue.values.map(String).join(', ');
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    default:
      return undefined;
  }
}

/** The fields of the object schema at `path`. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const inner = path.reduce<unknown>((outer, key) => unwrap(outer).shape[key as string], schema);
  return Object.keys(unwrap(inner).shape);
}

/** The object schema inside defaults, optionals and unions. */
function unwrap(schema: unknown): z.ZodObject {
  if (schema instanceof z.ZodUnion) return unwrap(schema.options.find((option) => option instanceof z.ZodObject));
  return schema instanceof z.ZodObject ? schema : unwrap((schema as z.ZodPrefault).unwrap());
}

function typeName(expected: string): string {
  return typeNames[expected] ?? expected;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

// One text for one value: JSON with sorted keys, no spaces and the number format of JavaScript (RFC 8785). What is hashed
// or signed is written this way, so that any party recomputes the same bytes from the parsed value.

import { utf8 } from '../bytes.ts';
import { LoomError } from '../errors.ts';
import { hashLeaf } from '../merkle/hash.ts';
import type { LedgerEvent } from './events.ts';

/**
 * Canonical JSON of plain data: null, booleans, finite numbers, strings, arrays and objects of these.
 * @throws LoomError `internal` for anything else, naming its path; such a value must not reach the ledger.
 */
export function canonicalJson(value: unknown, where = '$'): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${value.map((item, index) => canonicalJson(item, `${where}[${index}]`)).join(',')}]`;
  if (!isPlainObject(value))
    throw new LoomError('internal', `${describe(value)} has no canonical JSON`, { where, allowed: 'plain JSON data' });
  const keys = Object.keys(value).toSorted(); // by UTF-16 code units, as the RFC asks
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key], `${where}.${key}`)}`).join(',')}}`;
}

/** The event's leaf in the Merkle log: SHA-256(0x00 ‖ canonical JSON without `leafHash`). */
export function leafHash(event: Omit<LedgerEvent, 'leafHash'> | LedgerEvent): string {
  const { leafHash: _, ...hashed } = event as LedgerEvent;
  return hashLeaf(utf8(canonicalJson(hashed)));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  return typeof value === 'object' ? (value?.constructor?.name ?? 'object') : String(value);
}

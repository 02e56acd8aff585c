import { expect, test } from 'vitest';
import { sha256Hex, utf8 } from '../bytes.ts';
import { canonicalJson, leafHash } from './canonical.ts';

test('keys are sorted at every depth and nothing is spaced', () => {
  expect(canonicalJson({ b: [1, { z: null, y: true }], a: 'é"\n' })).toBe(
    '{"a":"é\\"\\n","b":[1,{"y":true,"z":null}]}',
  );
  expect(canonicalJson({ '\u{1f600}': 1, '\ufb33': 2, a: 3 })).toBe('{"a":3,"\u{1f600}":1,"\ufb33":2}'); // UTF-16 order
});

test('numbers are written as JavaScript writes them', () => {
  expect(canonicalJson([1, -0, 0.1, 1e21, 1e-7, 1 / 3])).toBe('[1,0,0.1,1e+21,1e-7,0.3333333333333333]');
});

test.each([
  ['NaN', { a: [Number.NaN] }, '$.a[0]'],
  ['infinity', { a: Infinity }, '$.a'],
  ['undefined', { a: undefined }, '$.a'],
  ['a date', { a: { b: new Date(0) } }, '$.a.b'],
  ['bytes', [new Uint8Array(1)], '$[0]'],
  ['a bigint', 1n, '$'],
])('%s is refused with its path', (_, value, where) => {
  expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'internal', where }));
});

test('a leaf is the hash of a zero byte and the canonical event, whatever the order of its keys', () => {
  const event = { seq: 0, at: 5, type: 'job.started', version: 1, subject: 'j-1', data: { workers: 2 } } as const;
  const expected = sha256Hex(
    utf8('\0{"at":5,"data":{"workers":2},"seq":0,"subject":"j-1","type":"job.started","version":1}'),
  );
  expect(leafHash(event)).toBe(expected);
  expect(
    leafHash({ data: { workers: 2 }, version: 1, subject: 'j-1', type: 'job.started', at: 5, seq: 0, leafHash: '00' }),
  ).toBe(expected);
});

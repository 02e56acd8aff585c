import { expect, test } from 'vitest';
import { PayloadStore } from './payload-store.ts';

const bytes = (count: number): Uint8Array => new Uint8Array(count);

test('full: what nobody asked for goes first, then the oldest round, never the newcomer', () => {
  const store = new PayloadStore(100);
  store.put(5, 'own', bytes(40), true);
  store.put(1, 'old', bytes(40), true);
  store.put(9, 'pushed', bytes(20), false);
  store.put(6, 'new', bytes(20), true);
  expect(['own', 'old', 'pushed', 'new'].map((hash) => store.has(hash))).toEqual([true, true, false, true]);
  store.put(7, 'newer', bytes(30), true);
  expect(store.has('old')).toBe(false);
  store.put(8, 'huge', bytes(500), true);
  expect(store.has('huge')).toBe(true);
  expect(store.has('own')).toBe(false);
});

test('a payload that was taken counts as asked for; looking does not', () => {
  const store = new PayloadStore(50);
  store.put(1, 'taken', bytes(20), false);
  store.put(1, 'peeked', bytes(20), false);
  expect(store.take('taken')).toHaveLength(20);
  expect(store.peek('peeked')?.round).toBe(1);
  store.put(1, 'third', bytes(20), true);
  expect([store.has('taken'), store.has('peeked')]).toEqual([true, false]);
});

test('old rounds are forgotten and their room is free again', () => {
  const store = new PayloadStore(40);
  store.put(1, 'a', bytes(40), true);
  store.forgetBefore(2);
  expect(store.take('a')).toBeUndefined();
  store.put(2, 'b', bytes(40), false);
  expect(store.has('b')).toBe(true);
});

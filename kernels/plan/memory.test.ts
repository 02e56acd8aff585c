import { expect, test } from 'vitest';
import { planMemory } from './memory.ts';
import type { Tensor } from './op.ts';

const tensor = (id: number, elements: number): Tensor => ({
  id,
  name: `t${id}`,
  shape: [elements],
  dtype: 'f32',
  role: 'temporary',
  offset: 0,
});
const [a, b, c, d] = [tensor(0, 10), tensor(1, 20), tensor(2, 10), tensor(3, 30)] as const;
const none = () => false;

test('a slot is taken again only after the last step that touches its tensor', () => {
  const { slots, slotOf } = planMemory([[a], [a, b], [b, c], [c]], none);
  expect(slotOf.get(a)).not.toBe(slotOf.get(b));
  expect(slotOf.get(b)).not.toBe(slotOf.get(c));
  expect(slotOf.get(c)).toBe(slotOf.get(a));
  expect(slots).toEqual([40, 80]);
});

test('the smallest slot that fits is taken, else the largest grows', () => {
  const { slots, slotOf } = planMemory([[a, b], [c], [d]], none);
  expect(slotOf.get(c)).toBe(slotOf.get(a));
  expect(slotOf.get(d)).toBe(slotOf.get(b));
  expect(slots).toEqual([40, 120]);
});

test('kept tensors neither take nor give storage', () => {
  const { slotOf } = planMemory([[a], [b], [c]], (candidate) => candidate === b);
  expect(new Set([slotOf.get(a), slotOf.get(b), slotOf.get(c)]).size).toBe(2);
  expect(slotOf.get(c)).toBe(slotOf.get(a));
});

test('without reuse every tensor has its own slot', () => {
  expect(planMemory([[a], [b], [c], [d]], none, false).slots).toEqual([40, 80, 40, 120]);
});

test('f16 takes half the bytes, in whole words', () => {
  const [even, odd] = [tensor(4, 10), tensor(5, 11)].map((whole): Tensor => ({ ...whole, dtype: 'f16' }));
  expect(planMemory([[even!, odd!]], none).slots).toEqual([20, 24]);
});

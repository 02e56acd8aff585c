import { expect, test } from 'vitest';
import type { DeviceTraits } from './op.ts';
import { splitElements, splitRows } from './split.ts';

const traits = (maxBindingBytes: number): DeviceTraits => ({
  isCpu: true,
  maxBindingBytes,
  maxWorkgroups: 65535,
  subgroupMinSize: 4,
  subgroupMaxSize: 4,
  features: new Set(),
});

test('what fits stays whole', () => {
  expect(splitElements(1000, traits(4000))).toEqual([{ first: 0, elements: 1000 }]);
});

test('parts begin at multiples of 64 elements, fit the limit and cover everything', () => {
  expect(splitElements(1000, traits(1999))).toEqual([
    { first: 0, elements: 448 },
    { first: 448, elements: 448 },
    { first: 896, elements: 104 },
  ]);
});

test('rows stay whole', () => {
  expect(splitRows(200, 10, traits(4 * 10 * 130))).toEqual([
    { first: 0, rows: 128 },
    { first: 128, rows: 72 },
  ]);
});

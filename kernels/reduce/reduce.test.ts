import { expect, test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import type { DeviceTraits } from '../plan/op.ts';
import { reduceKernel } from './reduce.ts';

test.each([1, 63, 1024, 1025, 100_003, 600_000])('sum and sum of squares of %i elements', async (elements) => {
  for (const squared of [false, true]) {
    await checkKernel({
      kernel: reduceKernel,
      inputs: [{ shape: [elements] }],
      attributes: { squared },
      tolerance: 1e-4,
    });
  }
});

test('a vector larger than a binding is summed in parts', () => {
  const traits: DeviceTraits = {
    isCpu: false,
    maxBindingBytes: 4 * 65536,
    maxWorkgroups: 65535,
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
    features: new Set(),
  };
  const tensor = (name: string, elements: number) =>
    ({ id: 0, name, shape: [elements], dtype: 'f32', role: 'temporary', offset: 0 }) as const;
  const op = {
    kernel: reduceKernel,
    inputs: [tensor('x', 150_000)],
    outputs: [tensor('out', 1)],
    attributes: { squared: true },
  };
  const passes = reduceKernel.dispatches(op, traits, tensor);
  const ranges = passes.map(({ bindings }) => bindings[0]!.range!);
  expect(ranges).toEqual([
    { first: 0, elements: 65536 },
    { first: 65536, elements: 65536 },
    { first: 131072, elements: 18928 },
    { first: 0, elements: 32 + 32 + 10 },
  ]);
  expect(passes.map(({ label }) => label)).toEqual([
    ...Array.from({ length: 3 }, () => 'reduce-tiled.sum_squares'),
    'reduce-tiled.sum',
  ]);
});

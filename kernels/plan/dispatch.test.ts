import { expect, test } from 'vitest';
import { scale } from '../generated/scale.ts';
import { PlanBuilder } from './builder.ts';
import { dispatch, linearWorkgroups } from './dispatch.ts';
import type { DeviceTraits } from './op.ts';

const traits: DeviceTraits = {
  isCpu: false,
  maxBindingBytes: 2 ** 27,
  maxWorkgroups: 100,
  subgroupMinSize: 4,
  subgroupMaxSize: 4,
  features: new Set(),
};

test('tensors find their bindings by name, with access and range', () => {
  const builder = new PlanBuilder();
  const [x, out] = [builder.input('x', [256]), builder.state('out', [128])];
  const range = { first: 128, elements: 128 };
  const made = dispatch(scale, {
    entryPoint: 'scale',
    tensors: { out, x: { tensor: x, range } },
    constants: { elements: 128, factor: 2 },
    workgroups: [1, 1, 1],
  });
  expect(made.label).toBe('scale.scale');
  expect(made.constants).toEqual({ elements: 128, factor: 2 });
  expect(made.bindings).toEqual([
    { number: 0, access: 'read', tensor: x, range },
    { number: 1, access: 'write', tensor: out },
  ]);
});

test('a wrong number of workgroups is refused', () => {
  const builder = new PlanBuilder();
  const tensors = { x: builder.input('x', [1]), out: builder.state('out', [1]) };
  const constants = { elements: 1, factor: 2 };
  for (const count of [0, 1.5, NaN]) {
    const call = { entryPoint: 'scale', tensors, constants, workgroups: [1, count, 1] } as const;
    expect(() => dispatch(scale, call)).toThrow('workgroups');
  }
});

test('workgroups are spread over two dimensions when one has not enough', () => {
  expect(linearWorkgroups(1, 64, traits)).toEqual([1, 1, 1]);
  expect(linearWorkgroups(6400, 64, traits)).toEqual([100, 1, 1]);
  const [x, y, z] = linearWorkgroups(64_001, 64, traits);
  expect(z).toBe(1);
  expect(x).toBeLessThanOrEqual(traits.maxWorkgroups);
  expect(x * y * 64).toBeGreaterThanOrEqual(64_001);
  expect(x * y).toBeLessThan(1001 + y);
});

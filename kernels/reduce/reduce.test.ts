import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { DeviceTraits } from '../plan/op.ts';
import { checkKernel, expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { reduceKernel, sumSquares } from './reduce.ts';

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

const small: DeviceTraits = {
  isCpu: false,
  maxBindingBytes: 4 * 65536,
  maxWorkgroups: 65535,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  features: new Set(),
};

/** The dispatches that sum the squares of so many elements where bindings are small: the ranges that each binds, and its sums. */
function passesOf(elements: number) {
  const tensor = (name: string, size: number) =>
    ({ id: 0, name, shape: [size], dtype: 'f32', role: 'temporary', offset: 0 }) as const;
  const [x, out] = [tensor('x', elements), tensor('out', 1)];
  const op = { kernel: reduceKernel, inputs: [x], outputs: [out], attributes: { squared: true } };
  return reduceKernel.dispatches(op, small, tensor).map(({ label, bindings, workgroups }) => ({
    label,
    first: [...new Set(bindings.flatMap(({ range }) => range?.first ?? []))],
    sums: workgroups[0],
  }));
}

test('a vector larger than a binding is summed in parts, seven a dispatch', () => {
  expect(passesOf(150_000)).toEqual([
    { label: 'reduce-tiled.sum_squares', first: [0, 65536, 131072], sums: 3 * 32 },
    { label: 'reduce-tiled.sum', first: [0], sums: 1 },
  ]);
  const many = passesOf(65536 * 8 - 1);
  expect(many.map(({ first, sums }) => [first.length, sums])).toEqual([
    [7, 7 * 32],
    [1, 32],
    [1, 1],
  ]);
});

test('sums in parts are those of the whole, on every device with small bindings', { timeout: 120_000 }, async () => {
  const elements = 16384 * 8 + 77;
  const random = createRandom(5);
  const x = Float32Array.from({ length: elements }, () => random.normal());
  const wanted = x.reduce((sum, value) => sum + value * value, 0);
  for (const device of await testDevices({ maxBindingBytes: 4 * 16384 })) {
    const builder = new PlanBuilder();
    builder.readable(sumSquares(builder, builder.input('x', [elements])));
    const program = await device.compile(builder.finish());
    program.write('x', x);
    await program.run();
    expectClose(await program.read('squares'), [wanted], 1e-4, device.info.adapter);
    program.destroy();
  }
});

import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { attend } from '../attention/attention.ts';
import { gelu } from '../elementwise/gelu.ts';
import { sum } from '../elementwise/sum.ts';
import { matmul } from '../matmul/matmul.ts';
import { layerNorm } from '../norm/norm.ts';
import { testDevices } from '../testing/devices.ts';
import { PlanBuilder } from './builder.ts';
import type { Tensor } from './op.ts';

const [blocks, rows, width] = [4, 12, 8];

/** Blocks of a transformer over x [rows, width], each a segment. */
function listPlan(recompute: boolean) {
  const builder = new PlanBuilder();
  const parameter = (name: string, ...shape: number[]) => builder.parameter(name, shape);
  const x = parameter('x', rows, width);
  const layers = Array.from({ length: blocks }, (_, i) => ({
    gain: parameter(`${i}.gain`, width),
    bias: parameter(`${i}.bias`, width),
    qkv: parameter(`${i}.qkv`, width, 3 * width),
    widen: parameter(`${i}.widen`, width, 4 * width),
    narrow: parameter(`${i}.narrow`, 4 * width, width),
  }));
  const product = (a: Tensor, b: Tensor) => builder.op(matmul, [a, b], { layout: 'nn' })[0];
  let y = x;
  for (const { gain, bias, qkv, widen, narrow } of layers) {
    y = builder.segment(() => {
      const mixed = attend(builder, product(layerNorm(builder, y, gain, bias), qkv), { time: rows / 2, heads: 2 });
      const wide = builder.op(gelu, [product(mixed, widen)])[0];
      return builder.op(sum, [y, product(wide, narrow)])[0];
    });
  }
  builder.backward(builder.readable(sumSquaresOf(builder, y)), { recompute });
  builder.gradients();
  return builder.finish();
}

/** A scalar that depends on y: the sum of (y y^T) in a row and a column of ones. */
function sumSquaresOf(builder: PlanBuilder, y: Tensor): Tensor {
  const ones = (name: string, ...shape: number[]) =>
    builder.constant(name, shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(1));
  const squares = builder.op(matmul, [y, y], { layout: 'nt' })[0];
  const column = builder.op(matmul, [squares, ones('column', rows, 1)], { layout: 'nn' })[0];
  return builder.op(matmul, [ones('row', 1, rows), column], { layout: 'nn' }, ['loss'])[0];
}

test('recomputed segments give the same gradients bit for bit in less memory', async () => {
  const plans = [listPlan(false), listPlan(true)];
  for (const device of await testDevices()) {
    const [kept, again] = await Promise.all(
      plans.map(async (plan) => {
        const program = await device.compile(plan);
        const random = createRandom(3);
        program.writeParameters(Float32Array.from({ length: plan.parameterCount }, () => random.normal() / 3));
        await program.run();
        const gradients = [...(await program.read('gradients'))];
        const { bufferBytes } = program.counters;
        program.destroy();
        return { gradients, bufferBytes };
      }),
    );
    expect(again!.gradients.some((value) => value !== 0 && Number.isFinite(value))).toBe(true);
    expect(again!.gradients).toEqual(kept!.gradients);
    expect(again!.bufferBytes).toBeLessThan(kept!.bufferBytes);
  }
});

test('what no gradient reads is not computed again', () => {
  const counts = [false, true].map((recompute) => {
    const names = listPlan(recompute).ops.map(({ kernel }) => kernel.name);
    return { attention: names.filter((name) => name === 'attention').length, all: names.length };
  });
  expect(counts[1]!.attention).toBe(2 * counts[0]!.attention);
  expect(counts[1]!.all - counts[0]!.all).toBeLessThan(blocks * 6); // the last product and its sum are not
});

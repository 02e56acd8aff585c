import { expect, test } from 'vitest';
import { PlanBuilder } from '../plan/builder.ts';
import { checkKernel } from '../testing/check.ts';
import { interpret } from '../testing/interpret.ts';
import { rotaryAngles } from './angles.ts';
import { rotaryKernel, rotaryTable, rotate } from './rotary.ts';

test.each([
  { batch: 1, time: 1, headSize: 2, heads: 1 },
  { batch: 3, time: 5, headSize: 6, heads: 3 },
  { batch: 2, time: 67, headSize: 16, heads: 4 },
])('rotary turns q and k of a fused qkv and leaves v, %o', async ({ batch, time, headSize, heads }) => {
  await checkKernel({
    kernel: rotaryKernel,
    inputs: [
      { shape: [batch * time, 3 * heads * headSize] },
      { shape: [time, headSize / 2, 2], data: rotaryAngles(time, headSize, { base: 10_000 }), gradient: false },
    ],
    attributes: { headSize, heads: 2 * heads, inverse: false },
  });
});

test('the score of a query and a key depends only on how far apart they are', () => {
  const [time, headSize] = [9, 8];
  const builder = new PlanBuilder();
  const q = builder.input('q', [time, headSize]);
  const k = builder.input('k', [time, headSize]);
  const angles = rotaryTable(builder, { time, headSize });
  rotate(builder, q, angles, 1, 'turned q');
  rotate(builder, k, angles, 1, 'turned k');
  const repeated = (row: number[]): number[] => Array.from({ length: time }, () => row).flat();
  const inputs = { q: repeated([1, -2, 3, 0.5, -1, 2, 0.1, 4]), k: repeated([0.3, 1, -1, 2, 5, -0.7, 1, 1]) };
  const values = interpret(builder.finish(), inputs, 'f64');
  const row = (name: string, t: number) => Array.from(values.get(name)!).slice(t * headSize, (t + 1) * headSize);
  const score = (t: number, u: number) => row('turned q', t).reduce((sum, x, i) => sum + x * row('turned k', u)[i]!, 0);
  expect(score(8, 5)).toBeCloseTo(score(3, 0), 4);
  expect(score(8, 5)).not.toBeCloseTo(score(8, 4), 2);
});

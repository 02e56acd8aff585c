import { expect, test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { scale } from './scale.ts';

test('scale and its gradient', async () => {
  await checkKernel({ kernel: scale, inputs: [{ shape: [3, 87] }], attributes: { factor: -0.125 } });
});

test('a factor that is not a number is refused', () => {
  const builder = new PlanBuilder();
  expect(() => builder.op(scale, [builder.input('x', [1])], { factor: NaN })).toThrow('factor NaN');
});

import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { headNormKernel } from './head-norm.ts';

test.each([
  { rows: 1, heads: 1, kvHeads: 1, headSize: 2 },
  { rows: 19, heads: 6, kvHeads: 3, headSize: 7 },
  { rows: 8, heads: 2, kvHeads: 1, headSize: 68 },
])('the norm of heads of queries and keys, %o', async ({ rows, heads, kvHeads, headSize }) => {
  await checkKernel({
    kernel: headNormKernel,
    inputs: [{ shape: [rows, (heads + 2 * kvHeads) * headSize] }, { shape: [headSize] }, { shape: [headSize] }],
    attributes: { heads, kvHeads, epsilon: 1e-6 },
    gradientOutputs: [0],
  });
});

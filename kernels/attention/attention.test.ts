import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { attentionKernel } from './attention.ts';

// Few shapes, because a software adapter takes seconds to compile the kernels for GPUs. Both span two tiles; the first has
// heads that are not whole vectors, the second heads above 64.
test.each([
  { batch: 2, time: 37, heads: 3, headSize: 5 },
  { batch: 1, time: 17, heads: 1, headSize: 68 },
])('causal attention and its gradient, %o', { timeout: 120_000 }, async ({ batch, time, heads, headSize }) => {
  await checkKernel({
    kernel: attentionKernel,
    inputs: [{ shape: [batch * time, 3 * heads * headSize] }],
    attributes: { time, heads, scale: 1 / Math.sqrt(headSize) },
    gradientOutputs: [0],
  });
});

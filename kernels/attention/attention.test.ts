import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { attentionKernel } from './attention.ts';

test.each([
  { batch: 1, time: 1, heads: 1, headSize: 4 },
  { batch: 2, time: 7, heads: 3, headSize: 5 },
  { batch: 3, time: 33, heads: 2, headSize: 16 },
  { batch: 1, time: 65, heads: 2, headSize: 64 },
  { batch: 1, time: 19, heads: 1, headSize: 128 },
])('causal attention, %o', async ({ batch, time, heads, headSize }) => {
  await checkKernel({
    kernel: attentionKernel,
    inputs: [{ shape: [batch * time, 3 * heads * headSize] }],
    attributes: { time, heads, scale: 1 / Math.sqrt(headSize) },
    gradientOutputs: [0],
  });
});

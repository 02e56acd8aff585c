import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { attentionKernel } from './attention.ts';

// Few shapes, because a software adapter takes seconds to compile the kernels for GPUs. All span two tiles; the first has
// heads that are not whole vectors and share keys and values in pairs, the second heads above 64.
test.each([
  { batch: 2, time: 37, heads: 6, kvHeads: 3, headSize: 5 },
  { batch: 1, time: 17, heads: 1, kvHeads: 1, headSize: 68 },
])('causal attention and its gradient, %o', { timeout: 300_000 }, async ({ headSize, batch, ...shape }) => {
  await checkAttention(batch, headSize, shape);
});

test('all heads of queries share one head of keys and values, on the CPU backend', async () => {
  await checkAttention(2, 4, { time: 33, heads: 4, kvHeads: 1 }, 'cpu');
});

async function checkAttention(
  batch: number,
  headSize: number,
  shape: { time: number; heads: number; kvHeads: number },
  devices?: 'cpu',
): Promise<void> {
  await checkKernel({
    kernel: attentionKernel,
    inputs: [{ shape: [batch * shape.time, (shape.heads + 2 * shape.kvHeads) * headSize] }],
    attributes: { ...shape, scale: 1 / Math.sqrt(headSize) },
    gradientOutputs: [0],
    ...(devices && { devices }),
  });
}

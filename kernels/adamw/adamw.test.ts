import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { adamwHyper, adamwKernel } from './adamw.ts';

const options = { learningRate: 3e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };

test.each([
  { elements: 64, maxNorm: 0, step: 1 },
  { elements: 64 * 37, maxNorm: 0.5, step: 7 },
])('AdamW changes parameters and both moments, %o', async ({ elements, maxNorm, step }) => {
  const squares = elements; // of as many normal numbers, about
  const variances = Array.from({ length: elements }, (_, i) => ((i * 37) % 101) / 50);
  await checkKernel({
    kernel: adamwKernel,
    inputs: [
      { shape: [elements] },
      { shape: [1], data: [squares] },
      { shape: [elements / 64], data: Array.from({ length: elements / 64 }, (_, i) => i % 2) },
      { shape: [8], data: adamwHyper({ ...options, maxNorm }, step) },
    ],
    before: [{ shape: [elements] }, { shape: [elements] }, { shape: [elements], data: variances }],
  });
});

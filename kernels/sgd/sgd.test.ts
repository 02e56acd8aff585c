import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { sgdHyper, sgdKernel } from './sgd.ts';

test.each([
  { elements: 64, momentum: false, maxNorm: 0 },
  { elements: 64 * 37, momentum: true, maxNorm: 0.5 },
])('SGD changes parameters and velocities, %o', async ({ elements, momentum, maxNorm }) => {
  await checkKernel({
    kernel: sgdKernel,
    inputs: [
      { shape: [elements] },
      { shape: [1], data: [elements] },
      { shape: [elements / 64], data: Array.from({ length: elements / 64 }, (_, i) => i % 2) },
      { shape: [4], data: sgdHyper({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, maxNorm }) },
    ],
    before: momentum ? [{ shape: [elements] }, { shape: [elements] }] : [{ shape: [elements] }],
    attributes: { momentum },
  });
});

import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { sum } from './sum.ts';

test.each([1, 2, 3])('the sum of %i tensors and its gradients', async (count) => {
  await checkKernel({ kernel: sum, inputs: Array.from({ length: count }, () => ({ shape: [7, 131] })) });
});

import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { swiglu } from './swiglu.ts';

test.each([
  [1, 2],
  [3, 14],
  [5, 514],
  [3, 24],
])('SwiGLU and its gradient, %o', async (...shape) => {
  await checkKernel({ kernel: swiglu, inputs: [{ shape }] });
});

test('SwiGLU far from zero is finite and exact', async () => {
  const data = [-1e4, -100, 100, 1e4, 3, 3, 3, 3];
  await checkKernel({ kernel: swiglu, inputs: [{ shape: [1, 8], data, gradient: false }] });
  await checkKernel({ kernel: swiglu, inputs: [{ shape: [4, 2], data, gradient: false }] });
});

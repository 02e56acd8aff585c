import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { gelu } from './gelu.ts';

test.each([[1], [3, 7], [5, 64]])('GELU and its gradient, %o', async (...shape) => {
  await checkKernel({ kernel: gelu, inputs: [{ shape }] });
});

test('GELU far from zero', async () => {
  const data = [-1e4, -100, -12, -5, -0, 0, 1e-3, 5, 12, 100, 1e4];
  await checkKernel({ kernel: gelu, inputs: [{ shape: [11], data, gradient: false }] });
});

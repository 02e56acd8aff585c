import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { blend } from './blend.ts';

test.each([4, 68, 64 * 37])('a weighted sum of %i elements', async (elements) => {
  const inputs = [{ shape: [elements] }, { shape: [2], data: [0.75, 0.25] }];
  await checkKernel({ kernel: blend, inputs, before: [{ shape: [elements] }] });
});

test('a first weight of 0 forgets what is not finite', async () => {
  const inputs = [{ shape: [4] }, { shape: [2], data: [0, 2] }];
  await checkKernel({ kernel: blend, inputs, before: [{ shape: [4], data: [NaN, Infinity, 1, -Infinity] }] });
});

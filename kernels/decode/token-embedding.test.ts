import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { tokenEmbeddingKernel } from './token-embedding.ts';

test.each([[], [{ shape: [9, 70] }]])('the rows of two cursors, %o', { timeout: 60_000 }, async (...positions) => {
  const cursor = { shape: [8], dtype: 'u32', data: [12, 8, 3, 0, 2, 1, 3, 0] } as const;
  await checkKernel({ kernel: tokenEmbeddingKernel, inputs: [cursor, { shape: [13, 70] }, ...positions] });
});

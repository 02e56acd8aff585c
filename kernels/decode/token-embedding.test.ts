import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { tokenEmbeddingKernel } from './token-embedding.ts';

test.each([[], [{ shape: [9, 70] }]])('the row of the cursor, %o', { timeout: 60_000 }, async (...positions) => {
  const cursor = { shape: [4], dtype: 'u32', data: [12, 8, 3, 0] } as const;
  await checkKernel({ kernel: tokenEmbeddingKernel, inputs: [cursor, { shape: [13, 70] }, ...positions] });
});

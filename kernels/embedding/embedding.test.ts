import { expect, test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { tokenOrderKernel } from './embedding-gradient.ts';
import { embeddingKernel } from './embedding.ts';
import { embeddingReference } from './embedding.reference.ts';

test.each([
  { batch: 1, time: 1, vocabulary: 2, width: 1, positions: 1 },
  { batch: 3, time: 7, vocabulary: 11, width: 5, positions: 9 },
  { batch: 2, time: 65, vocabulary: 256, width: 33, positions: 65 },
])('embedding with positions, %o', async ({ batch, time, vocabulary, width, positions }) => {
  await checkKernel({
    kernel: embeddingKernel,
    inputs: [
      { shape: [batch, time], dtype: 'u32', below: vocabulary },
      { shape: [vocabulary, width] },
      { shape: [positions, width] },
    ],
  });
});

test('embedding without positions, a vocabulary of 50,257', async () => {
  await checkKernel({
    kernel: embeddingKernel,
    inputs: [{ shape: [2, 19], dtype: 'u32', below: 50257 }, { shape: [50257, 3] }],
  });
});

test('every row has the same token: its gradient sums the whole batch', async () => {
  await checkKernel({
    kernel: embeddingKernel,
    inputs: [
      { shape: [4, 50], dtype: 'u32', data: new Uint32Array(200).fill(4) },
      { shape: [6, 3] },
      { shape: [50, 3] },
    ],
  });
});

test.each([1, 67, 130])('the rows of %i tokens sorted on their own, repeated tokens in order', async (rows) => {
  await checkKernel({ kernel: tokenOrderKernel, inputs: [{ shape: [1, rows], dtype: 'u32', below: 9 }], tolerance: 0 });
});

test('a table that is not trained gets no gradient, and its positions still do', async () => {
  await checkKernel({
    kernel: embeddingKernel,
    inputs: [{ shape: [2, 5], dtype: 'u32', below: 6 }, { shape: [6, 3], gradient: false }, { shape: [5, 3] }],
  });
});

test('row r is the row of its token plus the row of its position', () => {
  const out = new Float32Array(4);
  const inputs = [new Uint32Array([2, 0]), new Float32Array([1, 2, 3, 4, 5, 6]), new Float32Array([10, 20, 30, 40])];
  const tokens = { id: 0, name: 'tokens', shape: [1, 2], dtype: 'u32', role: 'input', offset: 0 } as const;
  embeddingReference(inputs, [out], { kernel: embeddingKernel, inputs: [tokens], outputs: [], attributes: {} });
  expect(Array.from(out)).toEqual([15, 26, 31, 42]);
});

import { expect, test } from 'vitest';
import { PlanBuilder } from '../plan/builder.ts';
import { checkKernel } from '../testing/check.ts';
import { columnSum } from './column-sum.ts';
import { matmul } from './matmul.ts';

const sizes = [
  { m: 1, n: 1, k: 1 },
  { m: 5, n: 7, k: 3 },
  { m: 67, n: 33, k: 130 },
  { m: 64, n: 96, k: 64 },
  { m: 3, n: 129, k: 65 },
];

test.each(sizes)('nn, nt and tn of $m x $n x $k, with their gradients', async ({ m, n, k }) => {
  const check = (layout: string, a: number[], b: number[]) =>
    checkKernel({ kernel: matmul, inputs: [{ shape: a }, { shape: b }], attributes: { layout } });
  await check('nn', [m, k], [k, n]);
  await check('nt', [m, k], [n, k]);
  await check('tn', [k, m], [k, n]);
});

test('leading dimensions are rows, and the bias is added to each', async () => {
  const inputs = [{ shape: [2, 3, 5] }, { shape: [5, 9] }, { shape: [9] }];
  await checkKernel({ kernel: matmul, inputs, attributes: { layout: 'nn' } });
  const transposed = [{ shape: [2, 3, 5] }, { shape: [9, 5] }, { shape: [9] }];
  await checkKernel({ kernel: matmul, inputs: transposed, attributes: { layout: 'nt' } });
  await checkKernel({ kernel: matmul, inputs: [{ shape: [2, 3, 5] }, { shape: [2, 3, 4] }], attributes: { layout: 'tn' } });
});

test.each([[1, 1], [3, 5, 17], [130, 70]])('column sum of %i x %i', async (...shape) => {
  await checkKernel({ kernel: columnSum, inputs: [{ shape }] });
});

test('shapes that do not fit are refused', () => {
  const builder = new PlanBuilder();
  const [a, b] = [builder.input('a', [2, 3]), builder.input('b', [2, 3])];
  expect(() => builder.op(matmul, [a, b], { layout: 'nn' })).toThrow('matmul nn of [2, 3] and [2, 3]');
  expect(() => builder.op(matmul, [a, b], { layout: 'xx' })).toThrow('layout xx');
  const bias = builder.input('bias', [3]);
  expect(() => builder.op(matmul, [a, b, bias], { layout: 'nt' })).toThrow('bias is f32[3]');
});

import { expect, test } from 'vitest';
import { PlanBuilder } from '../plan/builder.ts';
import { checkKernel } from '../testing/check.ts';
import { columnSum } from './column-sum.ts';
import { matmul } from './matmul.ts';

// Few shapes: a software adapter compiles the tiled kernel for each of them, and takes a second.
test.each(['nn', 'nt', 'tn'])('%s beyond a tile, with its gradients', async (layout) => {
  const [m, n, k] = [67, 33, 70];
  const a = layout === 'tn' ? [k, m] : [m, k];
  const b = layout === 'nt' ? [n, k] : [k, n];
  await checkKernel({ kernel: matmul, inputs: [{ shape: a }, { shape: b }], attributes: { layout } });
});

test('leading dimensions are rows, and the bias is added to each', async () => {
  const inputs = [{ shape: [2, 3, 5] }, { shape: [5, 9] }, { shape: [9] }];
  await checkKernel({ kernel: matmul, inputs, attributes: { layout: 'nn' } });
});

test.each([
  [1, 1],
  [3, 5, 17],
  [130, 70],
])('column sum of %o', async (...shape) => {
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

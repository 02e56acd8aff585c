import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { checkKernel, expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { interpret } from '../testing/interpret.ts';
import { columnSum } from './column-sum.ts';
import { matmul } from './matmul.ts';
import { productPair } from './pair.ts';

// Software adapters take seconds to compile a kernel with barriers, so that WebGPU runs one shape of each layout: the
// gradients of an nn product are an nt and a tn product.
test('nn with a bias, beyond a tile, and its gradients', { timeout: 300_000 }, async () => {
  const inputs = [{ shape: [67, 70] }, { shape: [70, 33] }, { shape: [33] }];
  await checkKernel({ kernel: matmul, inputs, attributes: { layout: 'nn' } });
});

test.each(['nn', 'nt', 'tn'])('%s of several sizes on the CPU, and its gradients', async (layout) => {
  for (const [m, n, k] of [
    [1, 1, 1],
    [5, 7, 3],
    [64, 96, 64],
    [3, 129, 65],
  ] as const) {
    const a = layout === 'tn' ? [k, m] : [m, k];
    const b = layout === 'nt' ? [n, k] : [k, n];
    await checkKernel({ kernel: matmul, inputs: [{ shape: a }, { shape: b }], attributes: { layout }, devices: 'cpu' });
  }
});

test.each([
  ['large tiles, vectors, parts', { tile: 128, parts: 2 }, [36, 132, 140]],
  ['large tiles, single elements', { tile: 128 }, [33, 131, 19]],
  ['small tiles, vectors, beyond a tile', { tile: 64 }, [68, 72, 36]],
  ['small tiles, single elements, parts', { tile: 64, parts: 3 }, [67, 5, 130]],
] as const)('a product of %s, in all layouts', { timeout: 300_000 }, async (_, tiling, [m, n, k]) => {
  for (const layout of ['nn', 'nt', 'tn']) {
    const shapes = [layout === 'tn' ? [k, m] : [m, k], layout === 'nt' ? [n, k] : [k, n]];
    const inputs = shapes.map((shape) => ({ shape, gradient: false }));
    await checkKernel({ kernel: matmul, inputs, attributes: { layout, ...tiling } });
  }
});

test.each([
  ['large tiles, vectors, parts', { tile: 128, parts: 2, extra: 'slope' }, [36, 132, 140]],
  ['small tiles, single elements', { tile: 64, extra: 'add' }, [67, 5, 9]],
  ['large tiles, vectors, the slopes of a SwiGLU', { tile: 128, extra: 'gates' }, [36, 68, 12]],
  ['small tiles, single elements, the slopes of a SwiGLU', { tile: 64, extra: 'gates' }, [67, 5, 9]],
] as const)('a pair of products of %s', { timeout: 300_000 }, async (_, attributes, [m, n, k]) => {
  const extra = [m, attributes.extra === 'gates' ? 2 * n : n];
  const shapes = [[m, k], [n, k], extra, [m, n]]; // A B^T + extra, and C^T A with the column sums of A
  await checkKernel({
    kernel: productPair,
    inputs: shapes.map((shape) => ({ shape })),
    attributes: { ...attributes, layout: 'nt', shared: 'b', secondLayout: 'tn', second: 'columnSum' },
  });
});

test.each([
  [67, 138, 12, 64],
  [11, 10, 9, 128],
  [5, 10, 9, 128],
])('a product that ends in a SwiGLU, %i x %i x %i in tiles of %i', { timeout: 300_000 }, async (m, n, k, tile) => {
  const builder = new PlanBuilder();
  const [a, b, bias] = [[m, k], [n, k], [n]].map((shape, i) => builder.input(`input ${i}`, shape)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const product = builder.readable(builder.op(matmul, [a, b, bias], { layout: 'nt', tile }, ['product'])[0]);
  builder.readable(builder.op(swiglu, [product], {}, ['active'])[0]);
  const plan = builder.finish();
  expect(plan.ops.map(({ kernel }) => kernel)).toEqual([matmul]);
  const random = createRandom(m);
  const values = Object.fromEntries(
    [a, b, bias].map(({ name, shape }) => [
      name,
      Float32Array.from({ length: elementsOf(shape) }, () => random.normal()),
    ]),
  );
  const wanted = interpret(builder.finish({ fuse: false }), values);
  for (const device of await testDevices()) {
    const program = await device.compile(plan);
    for (const [name, data] of Object.entries(values)) program.write(name, data);
    await program.run();
    for (const name of ['product', 'active'])
      expectClose(await program.read(name), wanted.get(name)!, 1e-5, `${name} on ${device.info.adapter}`);
    program.destroy();
  }
});

test('leading dimensions are rows', async () => {
  const check = (layout: string, ...shapes: number[][]) =>
    checkKernel({ kernel: matmul, inputs: shapes.map((shape) => ({ shape })), attributes: { layout }, devices: 'cpu' });
  await check('nn', [2, 3, 5], [5, 9], [9]);
  await check('nt', [2, 3, 5], [9, 5], [9]);
  await check('tn', [2, 3, 5], [2, 3, 4]);
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

import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { gelu } from '../elementwise/gelu.ts';
import { scale } from '../elementwise/scale.ts';
import { sum } from '../elementwise/sum.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { matmul } from '../matmul/matmul.ts';
import { layerNorm, rmsNorm } from '../norm/norm.ts';
import { expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { interpret } from '../testing/interpret.ts';
import { PlanBuilder } from './builder.ts';
import type { Tensor } from './op.ts';

const [rows, width] = [9, 10];

/** Two residual blocks of norm, widening product, GELU and narrowing product, and the gradient of all. */
function blocks(): PlanBuilder {
  const builder = new PlanBuilder();
  let x: Tensor = builder.parameter('x', [rows, width]);
  for (const block of [0, 1]) {
    const parameter = (name: string, ...shape: number[]) => builder.parameter(`${name} ${block}`, shape);
    const normed = layerNorm(builder, x, parameter('gain', width), parameter('offset', width));
    const widened = builder.op(matmul, [normed, parameter('w', width, 24), parameter('b', 24)], { layout: 'nn' })[0];
    const active = builder.op(gelu, [widened])[0];
    const narrowed = builder.op(matmul, [active, parameter('v', 24, width), parameter('c', width)], { layout: 'nn' });
    x = builder.op(sum, [x, narrowed[0]])[0];
  }
  return differentiated(builder, x);
}

/** The same with RMSNorm and SwiGLU, without biases, over matrices that lie as Llama's. */
function gatedBlocks(): PlanBuilder {
  const builder = new PlanBuilder();
  let x: Tensor = builder.parameter('x', [rows, width]);
  for (const block of [0, 1]) {
    const parameter = (name: string, ...shape: number[]) => builder.parameter(`${name} ${block}`, shape);
    const normed = rmsNorm(builder, x, parameter('gain', width));
    const widened = builder.op(matmul, [normed, parameter('w', 46, width)], { layout: 'nt' })[0];
    const active = builder.op(swiglu, [widened])[0];
    const narrowed = builder.op(matmul, [active, parameter('v', width, 23)], { layout: 'nt' });
    x = builder.op(sum, [x, narrowed[0]])[0];
  }
  return differentiated(builder, x);
}

function differentiated(builder: PlanBuilder, x: Tensor): PlanBuilder {
  const y = builder.readable(builder.op(scale, [x], { factor: 0.5 }, ['y'])[0]);
  builder.backwardFrom([{ output: y, gradient: builder.input('dy', [rows, width]) }]);
  builder.gradients();
  return builder;
}

const kinds = [
  ['GELU', blocks],
  ['SwiGLU', gatedBlocks],
] as const;

test.each(kinds)('%s: fused ops write what the listed ones write, on every device', async (_, list) => {
  const [listed, fused] = [list().finish({ fuse: false }), list().finish()];
  const random = createRandom(1);
  const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
  const [parameters, dy] = [draw(listed.parameterCount), draw(rows * width)];
  const reference = interpret(listed, { parameters, dy });
  expectClose(interpret(fused, { parameters, dy }).get('gradients')!, reference.get('gradients')!, 1e-6, 'references');
  for (const device of await testDevices()) {
    const program = await device.compile(fused);
    program.writeParameters(parameters);
    program.write('dy', dy);
    await program.run();
    for (const name of ['y', 'gradients'])
      expectClose(await program.read(name), reference.get(name)!, 1e-5, `${name} on ${device.info.adapter}`);
    program.destroy();
  }
});

test.each(kinds)('%s: a block has an op for each product and norm, one for the gradients of each', (_, list) => {
  const kernels = list()
    .finish()
    .ops.map(({ kernel }) => kernel.name)
    .filter((name) => name !== 'scale');
  const forward = ['normProduct', 'matmul'];
  const backward = ['productPair', 'productPair', 'normGradient'];
  expect(kernels).toEqual([...forward, ...forward, ...backward, ...backward]);
});

test('what somebody reads is written, and what is written later is waited for', () => {
  const list = (readable: boolean) => {
    const builder = new PlanBuilder();
    const x = builder.input('x', [2, 2]);
    const product = builder.op(matmul, [x, x], { layout: 'nn' }, ['product'])[0];
    if (readable) builder.readable(product);
    const late = builder.op(scale, [x], { factor: 2 })[0];
    builder.op(sum, [late, builder.op(sum, [product, x])[0]]);
    return builder.finish().ops.map(({ kernel }) => kernel.name);
  };
  expect(list(true)).toEqual(['matmul', 'scale', 'sum', 'sum']);
  expect(list(false)).toEqual(['matmul', 'scale', 'sum']); // the outer sum needs `late`
});

test('an op that writes two contributions to a gradient does not add them up itself', () => {
  const builder = new PlanBuilder();
  const x = builder.op(scale, [builder.parameter('x', [3, 3])], { factor: 2 })[0];
  const squares = builder.op(matmul, [x, x], { layout: 'nt' }, ['squares'])[0];
  builder.backwardFrom([{ output: squares, gradient: builder.input('d', [3, 3]) }]);
  const reads = builder.finish().ops.filter(({ inputs, outputs }) => inputs.some((input) => outputs.includes(input)));
  expect(reads).toEqual([]);
});

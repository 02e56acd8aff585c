import { expect, test } from 'vitest';
import { openCpu } from '../device/cpu.ts';
import { sum } from '../elementwise/sum.ts';
import { PlanBuilder } from './builder.ts';
import type { Kernel } from './op.ts';

/** [..] -> [..]: x * x. */
const square: Kernel = {
  name: 'square',
  infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
  dispatches: () => [],
  reference: ([x], [y]) => x!.forEach((value, index) => (y![index] = value * value)),
  adjoint(op, builder) {
    const target = builder.contribute(op.inputs[0]!);
    if (target) builder.op(doubleProduct, [op.inputs[0]!, builder.gradientOf(op.outputs[0]!)!], [target]);
  },
};

/** 2 * x * dy. */
const doubleProduct: Kernel = {
  name: 'doubleProduct',
  infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
  dispatches: () => [],
  reference: ([x, dy], [dx]) => x!.forEach((value, index) => (dx![index] = 2 * value * dy![index]!)),
};

test('parameters lie at multiples of 64 elements and their gradients in the same places', async () => {
  const builder = new PlanBuilder();
  const a = builder.parameter('a', [1], { decay: true });
  const b = builder.parameter('b', [1]);
  const [total] = builder.op(sum, [a, builder.op(square, [b])[0]]);
  builder.backward(total);
  builder.gradients();
  const plan = builder.finish();
  expect(plan.parameters).toEqual([
    { name: 'a', shape: [1], offset: 0, elements: 1, decay: true },
    { name: 'b', shape: [1], offset: 64, elements: 1, decay: false },
  ]);
  const program = await openCpu().compile(plan);
  program.write('a', new Float32Array([5]));
  program.write('b', new Float32Array([3]));
  await program.run();
  expect(Array.from(await program.read('d(a)'))).toEqual([1]);
  const gradients = await program.read('gradients');
  expect(gradients.length).toBe(128);
  expect(gradients[64]).toBe(6);
  expect(Array.from(gradients).filter((value) => value !== 0)).toEqual([1, 6]);
});

test('a parameter that two ops read gets the sum of both contributions', async () => {
  const builder = new PlanBuilder();
  const w = builder.parameter('w', [1]);
  const [once] = builder.op(square, [w]); // w^2
  const [twice] = builder.op(square, [once]); // w^4
  builder.backward(builder.op(sum, [twice, once, w])[0]);
  const program = await openCpu().compile(builder.finish());
  program.write('w', new Float32Array([2]));
  await program.run();
  expect(Array.from(await program.read('d(w)'))).toEqual([4 * 8 + 2 * 2 + 1]);
});

test('a program that shares sees the parameters of the other', async () => {
  const training = new PlanBuilder();
  training.readable(training.op(square, [training.parameter('w', [2])], {}, ['y'])[0]);
  const evaluation = new PlanBuilder();
  const [y] = evaluation.op(square, [evaluation.parameter('w', [2])]);
  evaluation.readable(evaluation.op(square, [y], {}, ['z'])[0]);
  const device = openCpu();
  const first = await device.compile(training.finish());
  const second = await device.compile(evaluation.finish(), { shareWith: first });
  first.write('w', new Float32Array([2, 3]));
  await second.run();
  await first.run();
  expect(Array.from(await second.read('z'))).toEqual([16, 81]);
  expect(Array.from(await first.read('y'))).toEqual([4, 9]);
});

test('a wrongly listed program is refused by name', () => {
  const builder = new PlanBuilder();
  const x = builder.input('x', [2]);
  expect(() => builder.input('x', [2])).toThrow('two tensors are named x');
  expect(() => builder.input('empty', [0])).toThrow('empty has the shape [0]');
  expect(() => builder.op(sum, [x, builder.input('y', [3])])).toThrow('y is f32[3]');
  expect(() => builder.opInto(sum, [x], [builder.state('s', [3])])).toThrow('sum writes f32[2], not f32[3]');
  expect(() => builder.backward(x)).toThrow('not a scalar');
  builder.op(square, [builder.temporary('t', [2])]);
  expect(() => builder.finish()).toThrow('square reads t before anything writes it');
  builder.parameter('early', [1]);
  builder.parameters();
  expect(() => builder.parameter('late', [1])).toThrow('parameter late comes after');
});

test('a loss that depends on a parameter through an op without a gradient is refused', () => {
  const builder = new PlanBuilder();
  const [y] = builder.op(doubleProduct, [builder.parameter('w', [1]), builder.input('x', [1])]);
  expect(() => builder.backward(y)).toThrow('doubleProduct has no gradient');
});

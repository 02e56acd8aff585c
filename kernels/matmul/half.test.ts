import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import type { Device } from '../device/device.ts';
import { gelu } from '../elementwise/gelu.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Plan } from '../plan/plan.ts';
import { gradientScale, roundHalf } from '../plan/half.ts';
import { expectClose, relativeDistance } from '../testing/check.ts';
import { halfProductDevices, testDevices } from '../testing/devices.ts';
import { interpret } from '../testing/interpret.ts';
import { halfPlan, halfPlanOn } from '../testing/half-plan.ts';
import { matmul } from './matmul.ts';
import { productPair } from './pair.ts';

/** m, k and n: odd, and rows that are vectors of four. */
const sizes = [
  [70, 45, 66],
  [72, 132, 68],
] as const;
const [odd, even] = sizes;

// Timeouts are for lavapipe on a busy machine, where a pipeline takes half a minute.

const width = 20; // of y

/** A product with a bias, GELU or SwiGLU of it and a second product, and the gradients of all of it from a given small one. */
function listProduct([m, k, n]: readonly [number, number, number], tiling: object, activation = gelu) {
  const builder = new PlanBuilder();
  const isGated = activation === swiglu; // whose product must be nt
  const [x, w] = [builder.parameter('x', [m, k]), builder.parameter('w', isGated ? [n, k] : [k, n])];
  const inputs = [x, w, builder.parameter('bias', [n])];
  const product = builder.op(matmul, inputs, { layout: isGated ? 'nt' : 'nn' }, ['product'])[0];
  const active = builder.op(activation, [product])[0];
  const narrow = builder.parameter('v', isGated ? [width, n / 2] : [n, width]);
  const y = builder.readable(builder.op(matmul, [active, narrow], { layout: isGated ? 'nt' : 'nn' }, ['y'])[0]);
  builder.backwardFrom([{ output: y, gradient: builder.input('seed', y.shape) }]);
  const plan = builder.finish();
  return { ...plan, ops: plan.ops.map((op) => ({ ...op, attributes: { ...op.attributes, ...tiling } })) };
}

function valuesOf([m, k, n]: readonly [number, number, number], activation = gelu) {
  const random = createRandom(5);
  const draw = (length: number, size: number) => Float32Array.from({ length }, () => random.normal() * size);
  const v = draw(width * (activation === swiglu ? n / 2 : n), 0.2);
  return { x: draw(m * k, 1), w: draw(k * n, 0.2), bias: draw(n, 1), v, seed: draw(m * width, 1e-6) };
}

type Values = ReturnType<typeof valuesOf>;
const names = ['y', 'd(x)', 'd(w)', 'd(bias)', 'd(v)'];

async function run(device: Device, listed: Plan, given: Values) {
  const program = await device.compile(listed, { precision: 'f16' });
  for (const [name, data] of Object.entries(given)) program.write(name, data);
  await program.run();
  const results = new Map<string, Float32Array>();
  for (const name of names) results.set(name, (await program.read(name)) as Float32Array);
  program.destroy();
  return results;
}

test('f16 is for GPUs with shader-f16; others compute in f32', { timeout: 300_000 }, async () => {
  const [plan, values] = [listProduct(odd, { tile: 64 }), valuesOf(odd)];
  const exact = interpret(plan, values);
  for (const device of await testDevices()) {
    const results = await run(device, plan, values);
    for (const name of names)
      expectClose(results.get(name)!, exact.get(name)!, 1e-2, `${name}: ${device.info.adapter}`);
  }
});

test.each([
  ['single elements, small tiles', odd, { tile: 64 }],
  ['vectors, small tiles, parts', even, { tile: 64, parts: 2 }],
  ['vectors, large tiles', even, { tile: 128 }],
] as const)(
  'f16 rounds what is handed on and operands of matrices, gradients scaled: %s',
  { timeout: 3_600_000 },
  async (_, size, tiling) => {
    const [plan, values] = [listProduct(size, tiling), valuesOf(size)];
    for (const device of await halfProductDevices()) {
      const [results, rounded] = [await run(device, plan, values), interpret(halfPlanOn(device, plan), values)];
      checkRounded(results, interpret(plan, values));
      for (const name of names) expectClose(results.get(name)!, rounded.get(name)!, 1e-4, `${name}: ${tiling.tile}`);
    }
  },
);

function checkRounded(results: ReadonlyMap<string, ArrayLike<number>>, exact: ReadonlyMap<string, ArrayLike<number>>) {
  expect(relativeDistance(results.get('d(x)')!, exact.get('d(x)')!)).toBeGreaterThan(1e-5);
  // Gradients of 1e-6 would be coarse in f16 as they are: scaled, they keep its precision.
  for (const name of ['d(x)', 'd(w)', 'd(v)']) expectClose(results.get(name)!, exact.get(name)!, 2e-3, name);
  expectClose(results.get('d(bias)')!, exact.get('d(bias)')!, 1e-3, 'd(bias)');
}

test.each([odd, even])(
  'products in f16 end in SwiGLU, and their gradients begin with its slopes: %i, %i, %i',
  {
    timeout: 3_600_000,
  },
  async (...size) => {
    const [plan, given] = [listProduct(size, { tile: 64 }, swiglu), valuesOf(size, swiglu)];
    const exact = interpret(plan, given);
    for (const products of ['plain', 'matrices'] as const) {
      const rounded = interpret(halfPlan(plan, products), given);
      for (const name of names) expectClose(rounded.get(name)!, exact.get(name)!, 3e-3, name);
    }
    for (const device of await halfProductDevices()) {
      const [results, rounded] = [await run(device, plan, given), interpret(halfPlanOn(device, plan), given)];
      for (const name of names) expectClose(results.get(name)!, rounded.get(name)!, 2e-3, name);
    }
  },
);

test('a product in f16 that is summed in parts', { timeout: 600_000 }, async () => {
  const builder = new PlanBuilder();
  const [x, w, v] = [
    [20, 132],
    [132, 24],
    [24, 20],
  ].map((shape, i) => builder.parameter(`p${i}`, shape));
  const inner = builder.op(matmul, [x!, w!], { layout: 'nn', tile: 64, parts: 3 }, ['inner'])[0];
  builder.readable(builder.op(matmul, [inner, v!], { layout: 'nn' }, ['y'])[0]);
  const plan = builder.finish();
  const half = halfPlan(plan);
  expect(half.ops[0]!.outputs[0]!.dtype).toBe('f16');
  const { x: p0, w: p1, v: p2 } = valuesOf([20, 132, 24]);
  const values = { p0, p1, p2 };
  for (const device of await halfProductDevices()) {
    const program = await device.compile(plan, { precision: 'f16' });
    for (const [name, data] of Object.entries(values)) program.write(name, data);
    await program.run();
    expectClose(await program.read('y'), interpret(halfPlanOn(device, plan), values).get('y')!, 1e-4, 'y');
    program.destroy();
  }
});

test('the references round what they say and nothing else', () => {
  const [plan, values] = [listProduct(odd, {}), valuesOf(odd)];
  const exact = interpret(plan, values);
  for (const products of ['plain', 'matrices'] as const)
    checkRounded(interpret(halfPlan(plan, products), values), exact);
  expect(interpret(halfPlan(plan), values).get('product')).toEqual(exact.get('product')!.map((x) => roundHalf(x, 1)));
  const [x, w] = [values.x.map((value) => roundHalf(value, 1)), values.w.map((value) => roundHalf(value, 1))];
  const product = interpret(plan, { ...values, x, w })
    .get('product')!
    .map((value) => roundHalf(value, 1));
  expectClose(interpret(halfPlan(plan, 'matrices'), values).get('product')!, product, 1e-7, 'product');
});

test('a product that shares a dispatch with a gradient is not scaled as one', () => {
  const builder = new PlanBuilder();
  const [[m, k, n], values] = [odd, valuesOf(odd)];
  const [x, w] = [builder.parameter('x', [m, k]), builder.parameter('w', [k, n])];
  const y = builder.readable(builder.op(matmul, [x, w], { layout: 'nn' }, ['y'])[0]);
  builder.backwardFrom([{ output: y, gradient: builder.input('seed', [m, n]) }]); // needs nothing of y
  const listed = builder.finish();
  expect(listed.ops.map(({ kernel }) => kernel)).toContain(productPair);
  const large = { x: values.x.map((value) => 100 * value), w: values.w, seed: values.seed };
  const [rounded, exact] = [interpret(halfPlan(listed, 'matrices'), large), interpret(listed, large)];
  for (const name of ['y', 'd(x)', 'd(w)']) expectClose(rounded.get(name)!, exact.get(name)!, 2e-3, name);
});

test('the gradient scale is a power of two, so that it rounds nothing', () => {
  expect(Math.log2(gradientScale) % 1).toBe(0);
});

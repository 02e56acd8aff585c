import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import type { Device } from '../device/device.ts';
import { gelu } from '../elementwise/gelu.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Plan } from '../plan/plan.ts';
import { gradientScale } from '../plan/half.ts';
import { expectClose, relativeDistance } from '../testing/check.ts';
import { halfDevices, testDevices } from '../testing/devices.ts';
import { interpret } from '../testing/interpret.ts';
import { halfPlan } from '../testing/half-plan.ts';
import { matmul } from './matmul.ts';
import { productPair } from './pair.ts';

const [m, k, n] = [70, 45, 66];

/** A GELU of a product with a bias, and the gradients of all of it from a given small one. */
function listProduct(tile: number, activation = gelu) {
  const builder = new PlanBuilder();
  const isGated = activation === swiglu; // whose product must be nt
  const [x, w] = [builder.parameter('x', [m, k]), builder.parameter('w', isGated ? [n, k] : [k, n])];
  const inputs = [x, w, builder.parameter('bias', [n])];
  const product = builder.op(matmul, inputs, { layout: isGated ? 'nt' : 'nn', tile }, ['product'])[0];
  const y = builder.readable(builder.op(activation, [product], {}, ['y'])[0]);
  builder.backwardFrom([{ output: y, gradient: builder.input('seed', y.shape) }]);
  return builder.finish();
}

const plan = listProduct(64);
const random = createRandom(5);
const draw = (length: number, size: number) => Float32Array.from({ length }, () => random.normal() * size);
const values = { x: draw(m * k, 1), w: draw(k * n, 0.2), bias: draw(n, 1), seed: draw(m * n, 1e-6) };
const names = ['y', 'd(x)', 'd(w)', 'd(bias)'];

async function run(device: Device, listed = plan, given: typeof values = values) {
  const program = await device.compile(listed, { precision: 'f16' });
  for (const [name, data] of Object.entries(given)) program.write(name, data);
  await program.run();
  const results = new Map<string, Float32Array>();
  for (const name of names) results.set(name, (await program.read(name)) as Float32Array);
  program.destroy();
  return results;
}

test(
  'f16 rounds operands and what is handed on, gradients scaled, and only where there is shader-f16',
  { timeout: 300_000 },
  async () => {
    const exact = interpret(plan, values);
    const devices = await halfDevices();
    for (const device of await testDevices()) {
      const results = await run(device);
      for (const name of names)
        expectClose(results.get(name)!, exact.get(name)!, 1e-2, `${name}: ${device.info.adapter}`);
    }
    for (const device of devices) {
      for (const tile of [64, 128]) checkHalf(await run(device, listProduct(tile)), exact);
    }
  },
);

function checkHalf(results: ReadonlyMap<string, Float32Array>, exact: ReadonlyMap<string, ArrayLike<number>>): void {
  expect(relativeDistance(results.get('y')!, exact.get('y')!)).toBeGreaterThan(1e-5);
  const rounded = interpret(halfPlan(plan), values);
  for (const name of names) expectClose(results.get(name)!, rounded.get(name)!, 1e-4, `${name} of rounded operands`);
  // Gradients of 1e-6 would be coarse in f16 as they are: scaled, they keep its precision.
  for (const name of ['d(x)', 'd(w)']) expectClose(results.get(name)!, exact.get(name)!, 2e-3, name);
  expectClose(results.get('d(bias)')!, exact.get('d(bias)')!, 1e-3, 'd(bias)');
}

test('products in f16 end in SwiGLU, and their gradients begin with its slopes', { timeout: 300_000 }, async () => {
  const given = { ...values, seed: values.seed.slice(0, (m * n) / 2) };
  const [rounded, exact] = [halfPlan, (listed: Plan) => listed].map((of) =>
    interpret(of(listProduct(64, swiglu)), given),
  );
  for (const name of names) expectClose(rounded!.get(name)!, exact!.get(name)!, 3e-3, name);
  for (const device of await halfDevices()) {
    for (const tile of [64, 128]) {
      const results = await run(device, listProduct(tile, swiglu), given);
      for (const name of names) expectClose(results.get(name)!, rounded!.get(name)!, 2e-3, `${name}: tiles of ${tile}`);
    }
  }
});

test('the reference rounds the operands of products and nothing else, gradients scaled', () => {
  checkHalf(interpret(halfPlan(plan), values) as Map<string, Float32Array>, interpret(plan, values));
  const { f16round } = Math as Math & { f16round(value: number): number }; // younger than the types
  const operands = { ...values, x: values.x.map(f16round), w: values.w.map(f16round) };
  expectClose(interpret(halfPlan(plan), values).get('y')!, interpret(plan, operands).get('y')!, 1e-7, 'y');
});

test('a product that shares a dispatch with a gradient is not scaled as one', () => {
  const builder = new PlanBuilder();
  const [x, w] = [builder.parameter('x', [m, k]), builder.parameter('w', [k, n])];
  const y = builder.readable(builder.op(matmul, [x, w], { layout: 'nn' }, ['y'])[0]);
  builder.backwardFrom([{ output: y, gradient: builder.input('seed', [m, n]) }]); // needs nothing of y
  const listed = builder.finish();
  expect(listed.ops.map(({ kernel }) => kernel)).toContain(productPair);
  const large = { x: values.x.map((value) => 100 * value), w: values.w, seed: values.seed };
  const [rounded, exact] = [interpret(halfPlan(listed), large), interpret(listed, large)];
  for (const name of ['y', 'd(x)', 'd(w)']) expectClose(rounded.get(name)!, exact.get(name)!, 2e-3, name);
});

test('the gradient scale is a power of two, so that it rounds nothing', () => {
  expect(Math.log2(gradientScale) % 1).toBe(0);
});

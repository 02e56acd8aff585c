import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { gelu } from '../elementwise/gelu.ts';
import { sum } from '../elementwise/sum.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { listPlan } from '../plan/dispatches.ts';
import type { DeviceTraits, Tensor } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { expectClose } from '../testing/check.ts';
import { halfProductDevices, testDevices } from '../testing/devices.ts';
import { halfGpu, halfPlan, plainGpu as gpu } from '../testing/half-plan.ts';
import { interpret } from '../testing/interpret.ts';
import { checkSpoiled } from '../testing/not-finite.ts';
import { layerNorm, rmsNorm } from './norm.ts';

interface Case {
  readonly rows: number;
  readonly width: number;
  readonly columns: number; // of the product
  readonly norm: 'layer' | 'rms';
  readonly isGated: boolean; // SwiGLU and matrices as Llama's, without biases
  readonly blocks?: number; // default 2
  readonly isReadable?: boolean; // the normalized rows can be read
}

/** Blocks: a product, and around it the residual of a norm, a widening product, an activation and a narrowing product. */
function listBlocks(builder: PlanBuilder, shape: Case): void {
  const { rows, width, columns, norm, isGated, blocks = 2 } = shape;
  let x: Tensor = builder.parameter('x', [rows, width]);
  for (let block = 0; block < blocks; block++) {
    const parameter = (name: string, ...size: number[]) => builder.parameter(`${name} ${block}`, size);
    const linear = (input: Tensor, name: string, from: number, to: number) => {
      const matrix = isGated ? parameter(name, to, from) : parameter(name, from, to);
      const inputs = isGated ? [input, matrix] : [input, matrix, parameter(`bias of ${name}`, to)];
      return builder.op(matmul, inputs, { layout: isGated ? 'nt' : 'nn' })[0];
    };
    const mixed = linear(x, 'mix', width, width);
    const gain = parameter('gain', width);
    const normed =
      norm === 'rms' ? rmsNorm(builder, mixed, gain) : layerNorm(builder, mixed, gain, parameter('shift', width));
    if (shape.isReadable) builder.readable(normed);
    const active = builder.op(isGated ? swiglu : gelu, [linear(normed, 'widen', width, columns)])[0];
    x = builder.op(sum, [mixed, linear(active, 'narrow', active.shape[1]!, width)])[0];
  }
  // What follows a block keeps its last product from sharing a dispatch with a gradient that waits for nothing here.
  x = builder.op(matmul, [x, builder.parameter('out', [width, width])], { layout: 'nt' })[0];
  builder.backwardFrom([{ output: x, gradient: builder.input('seed', [rows, width]) }]);
}

function listCase(shape: Case): Plan {
  const builder = new PlanBuilder();
  listBlocks(builder, shape);
  builder.gradients();
  return builder.finish();
}

function forced(plan: Plan, tiling: object): Plan {
  return { ...plan, ops: plan.ops.map((op) => ({ ...op, attributes: { ...op.attributes, ...tiling } })) };
}

function labelsOf(plan: Plan, traits: DeviceTraits): string[] {
  return listPlan(plan, traits).flatMap(({ dispatches }) => dispatches.map(({ label }) => label));
}

const few: Case = { rows: 67, width: 36, columns: 140, norm: 'layer', isGated: false };

/** Normal numbers; gains around one, as those of a model. @param mean of the rows that are normalized, and of biases */
function valuesOf(plan: Plan, { rows, width }: Case, mean: number) {
  const random = createRandom(1);
  const draw = (length: number, middle = 0, size = 1) =>
    Float32Array.from({ length }, () => middle + size * random.normal());
  const parameters = new Float32Array(plan.parameterCount);
  for (const { name, offset, elements, shape } of plan.parameters) {
    const [middle, size] = shape.length > 1 ? [0, name === 'x' ? 1 : shape[0]! ** -0.5] : [mean, 1];
    parameters.set(draw(elements, name.startsWith('gain') ? 1 : middle, size), offset);
  }
  return { parameters, seed: draw(rows * width) };
}

async function check(shape: Case, tiling: { tile: number; parts: number }, mean = 0) {
  const plan = forced(listCase(shape), tiling);
  expect(labelsOf(plan, gpu).filter((label) => label === `matmul-pair-norm-${tiling.tile}.by_four`)).toHaveLength(2);
  expect(labelsOf(plan, gpu)).not.toContain('norm-tiled.backward');
  const { parameters, seed } = valuesOf(plan, shape, mean);
  const wanted = interpret(plan, { parameters, seed }, 'f64');
  for (const device of await testDevices()) {
    const program = await device.compile(plan);
    program.writeParameters(parameters);
    program.write('gradients', new Float32Array(plan.parameterCount).fill(NaN));
    program.write('seed', seed);
    await program.run();
    for (const { name } of plan.parameters)
      expectClose(
        await program.read(`d(${name})`),
        wanted.get(`d(${name})`)!,
        mean === 0 ? 1e-5 : 3e-5, // the CPU backend's statistics are what is worst
        `d(${name}) on ${device.info.adapter}`,
      );
    program.destroy();
  }
}

test.each([
  ['LayerNorm and GELU, small tiles', few, { tile: 64, parts: 1 }],
  ['RMSNorm and GELU with biases, large tiles and parts', { ...few, rows: 131, norm: 'rms' }, { tile: 128, parts: 2 }],
  [
    'RMSNorm and SwiGLU, small tiles and parts',
    { ...few, rows: 130, columns: 264, norm: 'rms', isGated: true },
    { tile: 64, parts: 3 },
  ],
] as const)('the gradient of %s ends the product before it', { timeout: 600_000 }, async (_, shape, tiling) => {
  await check(shape, tiling);
});

test.each([
  ['LayerNorm and GELU', few, { tile: 64, parts: 1 }],
  ['RMSNorm and SwiGLU', { ...few, rows: 66, norm: 'rms', isGated: true }, { tile: 64, parts: 2 }],
] as const)(
  'in f16, the gradient of %s ends the product before it',
  { timeout: 3_600_000 },
  async (_, shape, tiling) => {
    const plan = forced(listCase({ ...shape, blocks: 1 }), tiling);
    const half = halfPlan(plan);
    expect(labelsOf(half, halfGpu)).toEqual(labelsOf(plan, gpu));
    expect(labelsOf(plan, gpu)).not.toContain('norm-tiled.backward');
    const names = plan.parameters.map(({ name }) => `d(${name})`);
    const { parameters, seed: large } = valuesOf(plan, shape, 0);
    const seed = large.map((value) => value / 1000); // gradients in f16 end at 2
    const exact = interpret(plan, { parameters, seed });
    const rounded = interpret(half, { parameters, seed });
    for (const name of names) expectClose(rounded.get(name)!, exact.get(name)!, 3e-3, name);
    for (const device of await halfProductDevices()) {
      const program = await device.compile(plan, { precision: 'f16' });
      program.writeParameters(parameters);
      program.write('seed', seed);
      await program.run();
      for (const name of names) expectClose(await program.read(name), exact.get(name)!, 3e-3, name);
      program.destroy();
    }
  },
);

test('means and biases a hundred times the spread', { timeout: 600_000 }, async () => {
  await check(few, { tile: 64, parts: 1 }, 100);
});

test('NaN and infinities show where they do in the reference', { timeout: 600_000 }, async () => {
  const shape: Case = { rows: 9, width: 8, columns: 12, norm: 'layer', isGated: false, blocks: 1 };
  expect(labelsOf(listCase(shape), gpu)).not.toContain('norm-tiled.backward');
  const spoiled = ['x', 'gain 0', 'shift 0', 'widen 0', 'bias of widen 0', 'seed'];
  await checkSpoiled({ list: (builder) => listBlocks(builder, shape), spoiled, kernel: 'normGradient' });
});

test('a norm keeps a dispatch for its gradient where the short way is not open', () => {
  const isOwn = (shape: Partial<Case>, traits: Partial<DeviceTraits> = {}) =>
    labelsOf(listCase({ ...few, ...shape }), { ...gpu, ...traits }).some((label) => label.endsWith('.backward'));
  expect(isOwn({})).toBe(false);
  expect(isOwn({ isReadable: true })).toBe(true);
  expect(isOwn({ width: 38 })).toBe(true); // rows are not vectors of four
  expect(isOwn({ rows: 4096, width: 1024, columns: 4096 })).toBe(true); // norm and product have a dispatch each
  expect(isOwn({}, { isCpu: true })).toBe(true);
  expect(isOwn({}, { halfProducts: 'plain' })).toBe(false);
  expect(isOwn({}, { maxBindingBytes: 4 * 36 * 140 })).toBe(true); // no room for gain, bias and matrix in one binding
});

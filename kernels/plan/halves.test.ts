import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { attend } from '../attention/attention.ts';
import { gelu } from '../elementwise/gelu.ts';
import { sum } from '../elementwise/sum.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { matmul } from '../matmul/matmul.ts';
import { normHeads } from '../norm/head-norm.ts';
import { layerNorm, rmsNorm } from '../norm/norm.ts';
import { rotaryTable } from '../rotary/rotary.ts';
import { expectClose } from '../testing/check.ts';
import { halfDevices } from '../testing/devices.ts';
import { halfGpu, halfPlan } from '../testing/half-plan.ts';
import { interpret } from '../testing/interpret.ts';
import { PlanBuilder } from './builder.ts';
import { fromHalves, gradientScale, roundHalf, roundStored, toHalves } from './half.ts';
import { storeHalves } from './halves.ts';
import type { Tensor } from './op.ts';
import { elementsOf } from './op.ts';
import type { Plan } from './plan.ts';

const [batch, time] = [3, 17];

/** A layer of a decoder, and its gradients from a small one; odd sizes throughout. */
function listLayer(list: (builder: PlanBuilder, x: Tensor) => Tensor, width: number): Plan {
  const builder = new PlanBuilder();
  const y = list(builder, builder.parameter('x', [batch * time, width]));
  builder.backwardFrom([{ output: builder.readable(y), gradient: builder.input('seed', y.shape) }]);
  return builder.finish();
}

function linear(builder: PlanBuilder, x: Tensor, name: string, outputs: number): Tensor {
  const weight = builder.parameter(name, [outputs, x.shape[1]!]);
  return builder.op(matmul, [x, weight, builder.parameter(`${name} bias`, [outputs])], { layout: 'nt' }, [name])[0];
}

function listGpt(builder: PlanBuilder, x: Tensor): Tensor {
  const [heads, width] = [3, 15];
  const norm = (input: Tensor, name: string) =>
    layerNorm(builder, input, builder.parameter(`${name} gain`, [width]), builder.parameter(`${name} shift`, [width]), {
      name,
    });
  const qkv = linear(builder, norm(x, 'norm 1'), 'qkv', 3 * width);
  const mixed = linear(builder, attend(builder, qkv, { time, heads }), 'mixed', width);
  const attended = builder.op(sum, [x, mixed], {}, ['attended'])[0];
  const wide = builder.op(gelu, [linear(builder, norm(attended, 'norm 2'), 'wide', 29)])[0];
  return builder.op(sum, [attended, linear(builder, wide, 'narrow', width)], {}, ['y'])[0];
}

/** Heads that tiles do not turn by themselves. */
function listLlama(builder: PlanBuilder, x: Tensor): Tensor {
  const [heads, kvHeads, headSize, width] = [2, 1, 6, 11];
  const norm = (input: Tensor, name: string) =>
    rmsNorm(builder, input, builder.parameter(`${name} gain`, [width]), { name });
  const qkv = linear(builder, norm(x, 'norm 1'), 'qkv', (heads + 2 * kvHeads) * headSize);
  const gains = [builder.parameter('query gain', [headSize]), builder.parameter('key gain', [headSize])] as const;
  const normed = normHeads(builder, qkv, gains, { heads, kvHeads, epsilon: 1e-6 });
  const angles = rotaryTable(builder, { time, headSize });
  const mixed = linear(builder, attend(builder, normed, { time, heads, kvHeads, angles }), 'mixed', width);
  const attended = builder.op(sum, [x, mixed], {}, ['attended'])[0];
  const inner = builder.op(swiglu, [linear(builder, norm(attended, 'norm 2'), 'wide', 2 * 13)])[0];
  return builder.op(sum, [attended, linear(builder, inner, 'narrow', width)], {}, ['y'])[0];
}

const layers: [string, Plan][] = [
  ['GPT', listLayer(listGpt, 15)],
  ['Llama', listLayer(listLlama, 11)],
];

function valuesOf({ tensors }: Plan): Record<string, Float32Array> {
  const given = tensors.filter(({ role }) => role === 'parameter' || role === 'input');
  return Object.fromEntries(
    given.map(({ id, name, shape }) => {
      const random = createRandom(id + 1);
      const size = name === 'seed' ? 1e-5 : 0.7;
      return [name, Float32Array.from({ length: elementsOf(shape) }, () => random.normal() * size)];
    }),
  );
}

test.each(layers)('of a layer of a %s, all is f16 but the residual stream and statistics', (_, plan) => {
  const stored = storeHalves(plan, halfGpu);
  const used = new Set(stored.ops.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
  const wide = [...used].filter(({ dtype, role }) => dtype === 'f32' && role === 'temporary').map(({ name }) => name);
  const rest = wide.filter((name) => !/statistics|logsumexp/.test(name));
  expect(rest.toSorted()).toEqual(['attended', 'd(attended).2', 'y']);
  expect([...used].filter(({ role, dtype }) => role !== 'temporary' && dtype === 'f16')).toEqual([]);
});

test.each(layers)(
  'a layer of a %s stores as f16 what its reference rounds, and stays near what f32 gives',
  { timeout: 900_000 },
  async (_, plan) => {
    const values = valuesOf(plan);
    const [rounded, exact] = [interpret(halfPlan(plan), values), interpret(plan, values)];
    const names = ['y', ...plan.tensors.filter(({ role }) => role === 'gradient').map(({ name }) => name)];
    for (const name of names) expectClose(rounded.get(name)!, exact.get(name)!, 1e-2, name);
    for (const device of await halfDevices()) {
      const program = await device.compile(plan, { precision: 'f16' });
      for (const [name, data] of Object.entries(values)) program.write(name, data);
      await program.run();
      for (const name of names) {
        const where = `${name} on ${device.info.adapter}`;
        expectClose(await program.read(name), rounded.get(name)!, 2e-3, where);
      }
      program.destroy();
    }
  },
);

test('values come back from storage as the references round them', () => {
  const values = Float32Array.of(1.2345e-8, -0.98765, 3, NaN, 1e-30);
  for (const kind of ['activation', 'gradient'] as const) {
    const builder = new PlanBuilder();
    const tensor: Tensor = { ...builder.state('x', [values.length], 'f32', kind), dtype: 'f16' };
    const rounded = values.slice();
    roundStored(rounded, tensor);
    const stored = toHalves(values, tensor);
    expect(stored.byteLength).toBe(12);
    expect(fromHalves(stored.buffer, tensor)).toEqual(rounded);
  }
});

test('gradients are stored 2^15 times as large, so that small ones keep eleven bits', () => {
  for (const value of [1.2345e-8, -0.98765])
    expect(Math.abs(roundHalf(value, gradientScale) / value - 1)).toBeLessThan(5e-4);
  expect(roundHalf(1.2345e-8, 1)).toBe(0);
  expect(roundHalf(3, gradientScale)).toBe(65504 / gradientScale);
  expect(roundHalf(NaN, gradientScale)).toBeNaN();
});

test('what a kernel cannot have as f16, a caller reads or a parameter gathers stays f32', () => {
  const builder = new PlanBuilder();
  const [x, w] = [builder.parameter('x', [16, 16]), builder.parameter('w', [16, 16])];
  const product = (a: Tensor, name: string) => builder.op(matmul, [a, w], { layout: 'nn' }, [name])[0];
  const inner = product(x, 'inner');
  const summed = builder.op(sum, [
    product(inner, 'added'),
    product(builder.readable(product(inner, 'shown')), 'last'),
    x,
  ]);
  builder.backwardFrom([{ output: builder.readable(summed[0]), gradient: builder.input('seed', [16, 16]) }]);
  const stored = storeHalves(builder.finish(), halfGpu);
  const written = stored.ops.flatMap(({ outputs }) => outputs);
  const namesOf = (kind: Tensor['dtype']) => written.filter(({ dtype }) => dtype === kind).map(({ name }) => name);
  expect(namesOf('f16').toSorted()).toEqual(['d(inner)', 'd(inner).3', 'd(shown)', 'inner']);
  const wide = namesOf('f32');
  for (const name of ['shown', 'added', 'last', 'part of d(w)', 'part of d(w).2', 'd(w)']) expect(wide).toContain(name);
});

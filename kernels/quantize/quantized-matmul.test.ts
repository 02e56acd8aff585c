import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { gelu } from '../elementwise/gelu.ts';
import { sum } from '../elementwise/sum.ts';
import { embed } from '../embedding/embedding.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { View } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { checkKernel, expectClose, relativeDistance } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { interpret } from '../testing/interpret.ts';
import { dequantize, quantize } from './format.ts';
import type { QuantizedFormat } from './format.ts';
import { QuantizedBuilder, quantizedValues } from './quantized-builder.ts';
import { quantizedEmbedding } from './quantized-embedding.ts';
import { quantizedMatmul } from './quantized-matmul.ts';

function normals(length: number): Float32Array {
  const random = createRandom(length);
  return Float32Array.from({ length }, () => random.normal());
}

test.each([
  { format: 'int8', layout: 'nn', m: 3, rows: 7, width: 13 },
  { format: 'nf4', layout: 'nn', m: 5, rows: 24, width: 40 },
  { format: 'nf4', layout: 'nt', m: 9, rows: 11, width: 70 },
  { format: 'int8', layout: 'nt', m: 1, rows: 9, width: 70 },
  { format: 'nf4', layout: 'nn', m: 1, rows: 9, width: 71 },
  { format: 'int8', layout: 'nn', m: 1, rows: 131, width: 36 },
  { format: 'nf4', layout: 'nn', m: 8, rows: 70, width: 68 },
  { format: 'int8', layout: 'nt', m: 3, rows: 21, width: 132 },
  { format: 'nf4', layout: 'nt', m: 1, rows: 21, width: 132 },
] as const)('products with a quantized weight, %o', async ({ format, layout, m, rows, width }) => {
  const { packed, scales } = quantize(normals(rows * width), format);
  const [k, n] = layout === 'nn' ? [rows, width] : [width, rows];
  const fixed = { gradient: false };
  await checkKernel({
    kernel: quantizedMatmul,
    inputs: [
      { shape: [m, k] },
      { shape: [packed.length], dtype: 'u32', data: packed },
      { shape: [scales.length], data: scales, ...fixed },
      { shape: [n], ...fixed },
    ],
    attributes: { layout, format, rows, width },
  });
});

/** What a block of a decoder does: a bias and a GELU, a bias and a residual, and the LM head over the token table. */
function listBlock(builder: PlanBuilder, rows: number, width: number, vocabulary: number): Plan {
  const weight = (name: string, shape: readonly number[]) => builder.parameter(name, shape);
  const tokens = builder.input('tokens', [1, rows], 'u32');
  const table = weight('table', [vocabulary, width]);
  const x = embed(builder, tokens, table, weight('positions', [rows + 1, width]));
  const inner = [x, weight('wide', [width, 4 * width]), weight('wide bias', [4 * width])];
  const wide = builder.op(gelu, [builder.op(matmul, inner, { layout: 'nn' })[0]])[0];
  const outer = [wide, weight('narrow', [width, 4 * width]), weight('narrow bias', [width])];
  const sums = builder.op(sum, [x, builder.op(matmul, outer, { layout: 'nt' })[0]])[0];
  builder.readable(builder.op(matmul, [sums, table], { layout: 'nt' }, ['logits'])[0]);
  return builder.finish();
}

test.each([
  [1, 24, 50],
  [3, 9, 33],
  [11, 12, 20],
] as const)(
  'a model of quantized matrices computes what their unpacked values do: %i rows of %i, vocabulary %i',
  { timeout: 120_000 },
  async (rows, width, vocabulary) => {
    const formats: Record<string, QuantizedFormat> = { table: 'int8', wide: 'nf4', narrow: 'int8' };
    const plain = listBlock(new PlanBuilder(), rows, width, vocabulary);
    const quantized = listBlock(new QuantizedBuilder((name) => formats[name] ?? null), rows, width, vocabulary);
    expect(quantized.ops.map(({ kernel }) => kernel.name)).toEqual([
      'quantizedEmbedding',
      ...Array(3).fill('quantizedMatmul'),
    ]);
    const given = new Map<string, View>([
      ['tokens', Uint32Array.from({ length: rows }, (_, i) => (7 * i) % vocabulary)],
    ]);
    const unpacked = new Map(given);
    for (const { name, elements } of plain.parameters) {
      const [values, format] = [normals(elements), formats[name]];
      unpacked.set(name, format ? dequantize(quantize(values, format)) : values);
      for (const [state, packed] of format ? quantizedValues(name, values, format) : [[name, values] as const])
        given.set(state, packed);
    }
    const wanted = interpret(plain, Object.fromEntries(unpacked)).get('logits')!;
    for (const device of await testDevices()) {
      const program = await device.compile(quantized);
      for (const [name, data] of given) program.write(name, data as Float32Array);
      program.write('logits', new Float32Array(wanted.length).fill(NaN));
      await program.run();
      expectClose(await program.read('logits'), wanted, 1e-5, device.info.adapter);
      program.destroy();
    }
  },
);

test.each([null, 'positions'])('the rows of two cursors in a quantized table, %s', async (positions) => {
  const { packed, scales } = quantize(normals(7 * 10), 'nf4');
  await checkKernel({
    kernel: quantizedEmbedding,
    inputs: [
      { shape: [8], dtype: 'u32', data: [5, 2, 0, 0, 3, 1, 0, 0] },
      { shape: [packed.length], dtype: 'u32', data: packed },
      { shape: [scales.length], data: scales },
      ...(positions ? [{ shape: [3, 10] }] : []),
    ],
    attributes: { format: 'nf4', rows: 7, width: 10 },
  });
});

test.each([
  ['int8', 0.01],
  ['nf4', 0.1],
] as [QuantizedFormat, number][])('%s keeps normal weights within its precision', (format, tolerance) => {
  const values = normals(1000);
  const quantized = quantize(values, format);
  const restored = dequantize(quantized);
  expect(relativeDistance(restored, values)).toBeLessThan(tolerance);
  expect(relativeDistance(restored, values)).toBeGreaterThan(tolerance / 10);
  expect(quantize(restored, format)).toEqual(quantized); // levels stay where they are
});

test('levels, zeros and extremes come back exactly', () => {
  for (const format of ['int8', 'nf4'] as const) {
    expect([...dequantize(quantize(new Float32Array(70), format))]).toEqual(Array(70).fill(0));
    const ends = Float32Array.of(-2, 2, 0);
    for (const [i, value] of dequantize(quantize(ends, format)).entries()) expect(value).toBeCloseTo(ends[i]!, 6);
  }
  expect(() => quantize(Float32Array.of(1, NaN), 'nf4')).toThrow('not finite');
  expect(() => quantize(Float32Array.of(Infinity), 'int8')).toThrow('not finite');
});

test.each([
  { layout: 'nn', format: 'int8', n: 150 },
  { layout: 'nn', format: 'nf4', n: 152 },
  { layout: 'nt', format: 'int8', n: 150 },
] as const)(
  'a weight that is beyond a binding when it is unpacked goes in pieces, %o',
  async ({ layout, format, n }) => {
    const [m, k] = [9, 20];
    const [rows, width] = layout === 'nn' ? [k, n] : [n, k];
    const { packed, scales } = quantize(normals(rows * width), format);
    const builder = new PlanBuilder();
    const weight = [builder.input('packed', [packed.length], 'u32'), builder.input('scales', [scales.length])];
    const inputs = [builder.input('x', [m, k]), ...weight, builder.input('bias', [n])];
    const attributes = { layout, format, rows, width };
    const product = builder.readable(builder.op(quantizedMatmul, inputs, attributes, ['product'])[0]);
    builder.readable(builder.op(gelu, [product], {}, ['gelu'])[0]);
    builder.readable(builder.op(sum, [builder.op(quantizedMatmul, inputs, attributes)[0], product], {}, ['sum'])[0]);
    const plan = builder.finish();
    const values = { packed, scales, x: normals(m * k), bias: normals(n) };
    const wanted = interpret(plan, values);
    const devices = await testDevices({ maxBindingBytes: 4 * k * 70 });
    for (const device of devices) {
      const program = await device.compile(plan);
      for (const [name, data] of Object.entries(values)) program.write(name, data);
      await program.run();
      for (const name of ['product', 'gelu', 'sum'])
        expectClose(await program.read(name), wanted.get(name)!, 1e-5, `${name} on ${device.info.adapter}`);
      program.destroy();
    }
    for (const device of devices) device.destroy();
  },
);

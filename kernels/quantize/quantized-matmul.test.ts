import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { checkKernel, relativeDistance } from '../testing/check.ts';
import { dequantize, quantize } from './format.ts';
import type { QuantizedFormat } from './format.ts';
import { quantizedMatmul } from './quantized-matmul.ts';

function normals(length: number): Float32Array {
  const random = createRandom(length);
  return Float32Array.from({ length }, () => random.normal());
}

test.each([
  { format: 'int8', layout: 'nn', m: 3, rows: 7, width: 13 },
  { format: 'nf4', layout: 'nn', m: 5, rows: 24, width: 40 },
  { format: 'nf4', layout: 'nt', m: 1, rows: 9, width: 70 },
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
    const [low, high, zero] = dequantize(quantize(ends, format));
    expect([low, high, zero]).toEqual([-2, 2, 0].map((value) => expect.closeTo(value, 6)));
  }
  expect(() => quantize(Float32Array.of(1, NaN), 'nf4')).toThrow('not finite');
  expect(() => quantize(Float32Array.of(Infinity), 'int8')).toThrow('not finite');
});

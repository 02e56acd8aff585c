import { expect, test } from 'vitest';
import { sha256Hex, toHex } from '../../../../shared/bytes.ts';
import { createRandom } from '../../../../shared/random.ts';
import type { TensorPlace } from '../../../../kernels/compress/chunks.ts';
import { codecFor } from '../codec.ts';
import { chunked, fromCoefficients, toCoefficients } from '../../../../kernels/compress/chunks.ts';

const dct = (density: number, bits: 1 | 2 | 4 | 8, layout: readonly TensorPlace[]) =>
  codecFor({ kind: 'dct', density, bits }, layout);

function tensor(shape: readonly number[], offset = 0): TensorPlace {
  return { offset, elements: shape.reduce((product, size) => product * size, 1), shape };
}

function noise(elements: number): Float32Array<ArrayBuffer> {
  const random = createRandom(elements);
  return Float32Array.from({ length: elements }, () => 0.01 * random.normal());
}

const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);

test.each([
  [[128, 192], 64, 64],
  [[80, 100], 40, 50],
  [[127, 6], 1, 6],
  [[3, 64, 2], 3, 64],
  [[256], 1, 64],
  [[50], 1, 50],
])('%j: chunks of %i x %i, an orthonormal basis of each', (shape, a, b) => {
  const place = tensor(shape);
  const chunks = chunked(place);
  expect([chunks.a, chunks.b]).toEqual([a, b]);
  const values = noise(place.elements);
  const [coefficients, back] = [values.slice(), values.slice().fill(0)];
  toCoefficients(chunks, values, coefficients);
  expect(squares(coefficients) / squares(values)).toBeCloseTo(1, 6);
  fromCoefficients(chunks, coefficients, back);
  for (const [i, value] of values.entries()) expect(Math.abs(back[i]! - value)).toBeLessThan(1e-8);
  const chunkOf = (i: number): number =>
    // of the element i of a matrix
    Math.floor(Math.floor(i / chunks.n) / a) * (chunks.n / b) + Math.floor((i % chunks.n) / b);
  toCoefficients(chunks, values.fill(1), coefficients);
  expect(coefficients[0]).toBeCloseTo(Math.sqrt(a * b), 4); // the mean, and nothing else
  expect(coefficients.filter((value) => Math.abs(value) > 1e-6)).toHaveLength(place.elements / (a * b));
  fromCoefficients(chunks, coefficients.fill(0).fill(1, 0, a * b), back);
  expect(back.filter((value, i) => value !== 0 && chunkOf(i) !== 0)).toHaveLength(0);
});

test('what is smooth across a matrix comes through in few coefficients, where elements would say little of it', () => {
  const layout = [tensor([64, 64])];
  const smooth = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i / 640) + Math.cos((i % 64) / 20));
  const lost = (kind: 'dct' | 'topk'): number => {
    const codec = codecFor({ kind, density: 1 / 128, bits: 8 }, layout);
    const said = codec.decode(codec.encode(smooth), 4096);
    return squares(smooth.map((value, i) => value - said[i]!)) / squares(smooth);
  };
  expect(lost('dct')).toBeLessThan(0.01);
  expect(lost('topk')).toBeGreaterThan(0.9);
});

test('small changes of a chunk are said beside a large neighbour, and padding is not', () => {
  const layout = [tensor([64, 96]), tensor([50], 6144)]; // chunks of 64 x 48, and one of 50
  const codec = dct(1 / 3072, 1, layout);
  const difference = noise(6208).map((value, i) => (i >= 6194 ? 9 : i >= 6144 || i % 96 >= 48 ? 1e-6 : value));
  const said = codec.decode(codec.encode(difference), 6208);
  const isNear = (value: number): boolean => Math.abs(value - 1e-6) < 1e-8;
  expect(said.filter((_, i) => i < 6144 && i % 96 >= 48).every(isNear)).toBe(true);
  expect(said.subarray(6144, 6194).every(isNear)).toBe(true);
  expect(said.subarray(6194).every((value) => value === 0)).toBe(true);
});

test('size: as much as top-k says of blocks as large, whatever the values, and never above the bound', () => {
  const layout = [tensor([256, 192])];
  for (const [density, bitsAnElement] of [
    [1 / 256, 0.047],
    [1 / 64, 0.145],
    [1 / 16, 0.435],
  ] as const) {
    const codec = dct(density, 1, layout);
    for (const values of [noise(256 * 192), new Float32Array(256 * 192), new Float32Array(256 * 192).fill(1)]) {
      const bytes = codec.encode(values).length;
      expect(bytes).toBeLessThanOrEqual(codec.maxBytes(256 * 192));
      expect((8 * bytes) / (256 * 192)).toBeLessThan(bitsAnElement);
    }
  }
});

test('values of any size come back finite', () => {
  const codec = dct(1 / 4, 2, [tensor([64, 64])]);
  for (const size of [1e-38, 1e30, 3e38]) {
    const said = codec.decode(codec.encode(noise(4096).map((value) => 10 * value * size)), 4096);
    expect(said.every(Number.isFinite)).toBe(true);
  }
});

test('coefficients that add up to infinity are refused', () => {
  const codec = dct(1, 1, [tensor([4])]);
  const payload = codec.encode(Float32Array.of(1, 1, 1, 1));
  payload.set([0x7f, 0x7f], 8); // the largest bfloat16 for each of four
  expect(() => codec.decode(payload, 4)).toThrow(expect.objectContaining({ code: 'invalid_frame' }));
});

test('golden payload and golden values: any change of either is a new version', () => {
  // [4] all 0.5: one coefficient, 0.5 * 4 / sqrt(4) = 1 = 3f80; gap 0 (r = 1): 0 0, sign 0
  expect(toHex(dct(1 / 4, 1, [tensor([4])]).encode(new Float32Array(4).fill(0.5)))).toBe('4c44010504000000803f00');
  const layout = [tensor([48, 40]), tensor([122], 1920)];
  const codec = dct(1 / 8, 4, layout);
  const plain = Float32Array.from({ length: 2048 }, (_, i) => ((i * 7919) % 2003) - 1001); // no noise: that is Math.log's
  const said = codec.decode(codec.encode(plain), 2048);
  expect(sha256Hex(new Uint8Array(said.buffer))).toBe(
    '766bedf48ae81954b5a54b0551fa29c95d8cf441cdb26f91df5b9d7fb81c1d57',
  );
});

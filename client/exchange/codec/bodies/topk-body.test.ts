import { expect, test } from 'vitest';
import { toHex } from '../../../../shared/bytes.ts';
import { createRandom } from '../../../../shared/random.ts';
import { codecFor } from '../codec.ts';
import { largestMagnitudes } from '../../../../kernels/compress/select.ts';

const topk = (density: number, bits: 1 | 2 | 4 | 8) => codecFor({ kind: 'topk', density, bits }, []);

function noise(elements: number): Float32Array<ArrayBuffer> {
  const random = createRandom(elements);
  return Float32Array.from({ length: elements }, () => 0.01 * random.normal());
}

test('selection: the largest magnitudes, the first of equal ones, in order of index', () => {
  expect([...largestMagnitudes(Float32Array.of(1, -3, 2, 3, -3, 0), 2)]).toEqual([1, 3]);
  expect([...largestMagnitudes(new Float32Array(4), 2)]).toEqual([0, 1]);
  expect([...largestMagnitudes(Float32Array.of(1, 2), 2)]).toEqual([0, 1]);
  const values = noise(4096);
  const sorted = [...values.keys()].toSorted((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!));
  expect([...largestMagnitudes(values, 64)]).toEqual(sorted.slice(0, 64).toSorted((a, b) => a - b));
});

test('one bit: the sign, times the mean magnitude of what is sent', () => {
  const difference = Float32Array.of(0.5, -4, 0, 8, 0.25);
  const decoded = topk(0.4, 1).decode(topk(0.4, 1).encode(difference), 5);
  expect([...decoded]).toEqual([0, -6, 0, 6, 0]);
});

test('more bits err less, and only the sent elements are not zero', () => {
  const difference = noise(4096 + 100);
  const errors = ([1, 2, 4, 8] as const).map((bits) => {
    const decoded = topk(1 / 16, bits).decode(topk(1 / 16, bits).encode(difference), difference.length);
    expect(decoded.filter((value) => value !== 0).length).toBe(256 + 6);
    return decoded.reduce((sum, value, i) => sum + (value === 0 ? 0 : (value - difference[i]!) ** 2), 0);
  });
  expect(errors.toSorted((a, b) => b - a)).toEqual(errors);
  expect(errors[3]!).toBeLessThan(errors[0]! / 1000);
});

test('size: never above the stated bound, within 8% of it for noise, and as small as the notes promise', () => {
  for (const [density, bitsAnElement] of [
    [1 / 256, 0.047],
    [1 / 64, 0.145],
    [1 / 16, 0.435],
    [1, 1.006], // header included
  ] as const) {
    const bytes = topk(density, 1).encode(noise(40_960)).length;
    expect(bytes).toBeLessThanOrEqual(topk(density, 1).maxBytes(40_960));
    expect(bytes).toBeGreaterThan(0.92 * topk(density, 1).maxBytes(40_960));
    expect((8 * bytes) / 40_960).toBeLessThan(bitsAnElement);
  }
});

test('the longest gaps fit the bound', () => {
  const difference = new Float32Array(4096);
  difference.fill(1, 4096 - 64);
  const payload = topk(1 / 64, 1).encode(difference);
  expect(payload.length).toBeLessThanOrEqual(topk(1 / 64, 1).maxBytes(4096));
  expect(topk(1 / 64, 1).decode(payload, 4096)).toEqual(difference);
});

test('golden payloads, the first checked by hand', () => {
  // 3fd0 = mean 1.625; gaps 0 0 2 0 as 0 0 110 0; signs + - + -: the bits 0 0 1 1 0 0 0 1 | 0 1
  const difference = Float32Array.of(1, -0.5, 0, 0, 2, -3, 0, 0.125);
  expect(toHex(topk(0.5, 1).encode(difference))).toBe('4c44010308000000d03f8c02');
  expect(toHex(topk(0.5, 4).encode(difference))).toBe('4c44010308000000003f40408c043e');
  expect(toHex(topk(0.5, 2).encode(difference))).toBe('4c44010308000000403f20400c39');
  expect(toHex(topk(0.5, 8).encode(difference))).toBe('4c44010308000000003f40408c4c00e63f');
  expect(toHex(topk(1, 1).encode(difference))).toBe('4c44010308000000543f22');
  expect(toHex(topk(1, 2).encode(difference))).toBe('4c440103080000008b3e2040040e');
});

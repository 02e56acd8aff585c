import { describe, expect, test } from 'vitest';
import { LoomError } from '../../../shared/errors.ts';
import { toHex } from '../../../shared/bytes.ts';
import { createRandom } from '../../../shared/random.ts';
import type { RoundCompression } from '../../../shared/manifest/compression.ts';
import { codecFor } from './codec.ts';
import type { TensorPlace } from '../../../kernels/compress/chunks.ts';

const float32 = codecFor({ kind: 'none' }, []);
const int8 = codecFor({ kind: 'int8' }, []);
const compressions: RoundCompression[] = [
  { kind: 'none' },
  { kind: 'int8' },
  ...([1, 2, 4, 8] as const).flatMap((bits) =>
    [1 / 64, 0.3, 1].flatMap((density) => (['topk', 'dct'] as const).map((kind) => ({ kind, density, bits }))),
  ),
  ...([1, 2, 3, 4] as const).map((bits) => ({ kind: 'low-rank', rank: 2, bits }) as const),
];

describe.each(compressions)('codec %j', (compression) => {
  const codec = codecFor(compression, layoutOf(300));

  test.each([1, 63, 256, 257, 1000])('%i elements: size within its bound, decoding is repeatable', (elements) => {
    const codec = codecFor(compression, layoutOf(elements));
    const payload = codec.encode(noise(elements));
    expect(payload.length).toBeLessThanOrEqual(codec.maxBytes(elements));
    const decoded = codec.decode(payload, elements);
    expect(codec.decode(payload, elements)).toEqual(decoded);
  });

  test('a difference that is not finite is never shared', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const difference = noise(300);
      difference[299] = bad;
      expect(() => codec.encode(difference)).toThrow(/not finite/);
    }
  });

  test('wrong length, magic, version, codec or element count is an invalid frame', () => {
    const payload = codec.encode(noise(300));
    const cases = [payload.slice(0, -1), Uint8Array.of(...payload, 0), new Uint8Array(0), payload.slice(0, 5)];
    for (let byte = 0; byte < 8; byte++) cases.push(changed(payload, byte, payload[byte]! ^ 0x41));
    for (const bad of cases) expect(codeOf(() => codec.decode(bad, 300))).toBe('invalid_frame');
    expect(codeOf(() => codec.decode(payload, 301))).toBe('invalid_frame');
  });

  test('fuzz: any bytes decode to finite values or are refused with invalid_frame', () => {
    const random = createRandom(5);
    const codec = codecFor(compression, layoutOf(70));
    const good = codec.encode(noise(70));
    for (let i = 0; i < 3000; i++) {
      const bytes = good.slice(0, random.below(8) === 0 ? random.below(good.length + 1) : good.length);
      for (let flips = random.below(4); flips >= 0; flips--) bytes[random.below(good.length)] = random.below(256);
      const code = codeOf(() => expect(codec.decode(bytes, 70).every(Number.isFinite)).toBe(true));
      expect([null, 'invalid_frame']).toContain(code);
    }
  });
});

test('fuzz: random bytes of any length, with and without a right header, decode to finite values or are refused', () => {
  const random = createRandom(9);
  for (const compression of compressions) {
    const codec = codecFor(compression, layoutOf(70));
    const header = codec.encode(noise(70)).slice(0, 8);
    for (let i = 0; i < 500; i++) {
      const bytes = Uint8Array.from({ length: random.below(codec.maxBytes(70) + 20) }, () => random.below(256));
      if (i % 2 === 0) bytes.set(header.subarray(0, bytes.length));
      const code = codeOf(() => expect(codec.decode(bytes, 70).every(Number.isFinite)).toBe(true));
      expect([null, 'invalid_frame']).toContain(code);
    }
  }
});

test('a payload is read as a view of other bytes, never beyond its own end', () => {
  for (const compression of compressions) {
    const codec = codecFor(compression, layoutOf(70));
    const payload = codec.encode(noise(70));
    const around = new Uint8Array(payload.length + 64).fill(255);
    around.set(payload, 17);
    const view = around.subarray(17, 17 + payload.length);
    expect(codec.decode(view, 70)).toEqual(codec.decode(payload, 70));
    for (let end = 0; end < payload.length; end++)
      expect([null, 'invalid_frame']).toContain(codeOf(() => codec.decode(view.subarray(0, end), 70)));
  }
});

test('none and int8 are as long for any values', () => {
  for (const codec of [float32, int8]) {
    expect(codec.encode(noise(300)).length).toBe(codec.maxBytes(300));
    expect(codec.encode(new Float32Array(300)).length).toBe(codec.maxBytes(300));
  }
});

test('none is exact', () => {
  const difference = noise(513);
  expect(float32.decode(float32.encode(difference), 513)).toEqual(difference);
});

test('int8 errs by at most half a step of its block, and a block of zeros stays zero', () => {
  const difference = noise(600);
  difference.fill(0, 256, 512);
  difference[0] = 40; // spoils its own block only
  const decoded = int8.decode(int8.encode(difference), 600);
  for (let i = 0; i < 600; i++) {
    const largest = Math.max(...difference.subarray(i & ~255, (i & ~255) + 256).map(Math.abs));
    expect(Math.abs(decoded[i]! - difference[i]!)).toBeLessThanOrEqual((largest / 254) * 1.0001);
  }
  expect(int8.maxBytes(220_000) / (4 * 220_000)).toBeLessThan(0.255);
});

test('golden payloads', () => {
  const difference = Float32Array.of(1, -0.5, 0);
  expect(toHex(float32.encode(difference))).toBe('4c440101030000000000803f000000bf00000000');
  expect(toHex(int8.encode(difference))).toBe('4c440102030000000402013c7fc000');
});

/** Matrices as nearly square as can be, and a vector of what is left. */
function layoutOf(elements: number): TensorPlace[] {
  const rows = Math.floor(Math.sqrt(elements));
  const shape = [rows, Math.floor(elements / rows)];
  const matrix = { offset: 0, elements: shape[0]! * shape[1]!, shape };
  const left = elements - matrix.elements;
  return left === 0 ? [matrix] : [matrix, { offset: matrix.elements, elements: left, shape: [left] }];
}

function noise(elements: number): Float32Array<ArrayBuffer> {
  const random = createRandom(elements);
  return Float32Array.from({ length: elements }, () => 0.01 * random.normal());
}

function changed(bytes: Uint8Array<ArrayBuffer>, at: number, value: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

function codeOf(action: () => void): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (error instanceof LoomError) return error.code;
    throw error;
  }
}

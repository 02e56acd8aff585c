import { describe, expect, test } from 'vitest';
import { LoomError } from '../../shared/errors.ts';
import { toHex } from '../../shared/bytes.ts';
import { createRandom } from '../../shared/random.ts';
import { codecs } from './codec.ts';
import type { CodecName } from './codec.ts';

const names = Object.keys(codecs) as CodecName[];

describe.each(names)('codec %s', (name) => {
  const codec = codecs[name];

  test.each([1, 63, 256, 257, 1000])(
    '%i elements: size as promised, decoding is repeatable and idempotent',
    (elements) => {
      const payload = codec.encode(noise(elements));
      expect(payload.length).toBe(codec.maxBytes(elements));
      const decoded = codec.decode(payload, elements);
      expect(codec.decode(payload, elements)).toEqual(decoded);
      expect(codec.decode(codec.encode(decoded), elements)).toEqual(decoded);
    },
  );

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
    const good = codec.encode(noise(70));
    for (let i = 0; i < 3000; i++) {
      const bytes = good.slice(0, random.below(8) === 0 ? random.below(good.length + 1) : good.length);
      for (let flips = random.below(4); flips >= 0; flips--) bytes[random.below(good.length)] = random.below(256);
      const code = codeOf(() => expect(codec.decode(bytes, 70).every(Number.isFinite)).toBe(true));
      expect([null, 'invalid_frame']).toContain(code);
    }
  });
});

test('none is exact', () => {
  const difference = noise(513);
  expect(codecs.none.decode(codecs.none.encode(difference), 513)).toEqual(difference);
});

test('int8 errs by at most half a step of its block, and a block of zeros stays zero', () => {
  const difference = noise(600);
  difference.fill(0, 256, 512);
  difference[0] = 40; // spoils its own block only
  const decoded = codecs.int8.decode(codecs.int8.encode(difference), 600);
  for (let i = 0; i < 600; i++) {
    const largest = Math.max(...difference.subarray(i & ~255, (i & ~255) + 256).map(Math.abs));
    expect(Math.abs(decoded[i]! - difference[i]!)).toBeLessThanOrEqual((largest / 254) * 1.0001);
  }
  expect(codecs.int8.maxBytes(220_000) / (4 * 220_000)).toBeLessThan(0.255);
});

test('golden payloads', () => {
  const difference = Float32Array.of(1, -0.5, 0);
  expect(toHex(codecs.none.encode(difference))).toBe('4c440101030000000000803f000000bf00000000');
  expect(toHex(codecs.int8.encode(difference))).toBe('4c440102030000000402013c7fc000');
});

function noise(elements: number): Float32Array<ArrayBuffer> {
  const random = createRandom(elements);
  return Float32Array.from({ length: elements }, () => 0.01 * random.normal());
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
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

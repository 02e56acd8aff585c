import { expect, test } from 'vitest';
import { decodeMarks, encodeMarks, judgeFingerprint, markError, markOf, tokensPerChunk } from './fingerprint.ts';
import type { Mark } from './fingerprint.ts';

const marks: Mark[] = Array.from({ length: 70 }, (_, i) => ({
  index: (i * 7919) % 2 ** 24,
  value: 31.7 * Math.sin(i),
}));

test('192 bytes for 32 tokens, and back within 15 bits', () => {
  const chunks = encodeMarks(marks);
  expect(chunks.map(({ length }) => length)).toEqual([192, 192, 36]);
  for (const [i, { index, value }] of decodeMarks(chunks).entries()) {
    expect(index).toBe(marks[i]!.index);
    expect(Math.abs(value - marks[i]!.value)).toBeLessThanOrEqual(Math.abs(marks[i]!.value) / 2 ** 15);
  }
  expect(decodeMarks(encodeMarks([{ index: 2 ** 24 - 1, value: -1.5 }]))).toEqual([
    { index: 2 ** 24 - 1, value: -1.5 },
  ]);
});

test('what is no code is refused by its place', () => {
  const [whole, , rest] = encodeMarks(marks) as [Uint8Array, Uint8Array, Uint8Array];
  for (const chunks of [
    [new Uint8Array(5)],
    [rest, whole],
    [new Uint8Array(tokensPerChunk * 6 + 6)],
    [new Uint8Array(0)],
  ])
    expect(() => decodeMarks(chunks)).toThrow(/no fingerprint/);
});

test('a mark is the first largest logit; its error is in standard deviations', () => {
  const logits = Float32Array.of(1, 3, 3, 1);
  expect(markOf(logits)).toEqual({ index: 1, value: 3 });
  expect(markError({ index: 1, value: 3.5 }, logits)).toBeCloseTo(0.5);
  expect(markError({ index: 9, value: 3 }, logits)).toBe(Infinity);
  expect(markError({ index: 0, value: Number.NaN }, logits)).toBe(Infinity);
});

const fill = (count: number, value: number): number[] => Array.from({ length: count }, () => value);
const drawn = fill(50, 1).map(() => true);

test.each([
  ['rounding', fill(50, 1e-5), 'genuine', null],
  ['8-bit weights', fill(50, 0.02), 'another precision', null],
  ['8-bit weights, by luck right at first', [1e-3, ...fill(49, 0.02)], 'another precision', null],
  ['other weights', fill(50, 1.4), 'another model', null],
  ['a break', [...fill(20, 1e-5), ...fill(30, 1.2)], 'altered text', 19],
  ['a small break', [...fill(1, 1e-5), ...fill(49, 0.1)], 'altered text', 0],
  ['one place', [...fill(20, 1e-5), 0.02, ...fill(29, 1e-5)], 'altered text', 19],
  ['no numbers', fill(50, Infinity), 'another model', null],
] as const)('%s: %#', (_, errors, finding, alteredAt) => {
  expect(judgeFingerprint(errors, drawn)).toMatchObject({ finding, alteredAt });
});

test('tokens that the seed does not draw are altered text; one near a border is none', () => {
  const one = drawn.map((_, i) => i !== 9);
  expect(judgeFingerprint(fill(51, 1e-5), one).finding).toBe('genuine');
  const many = drawn.map((_, i) => i < 30);
  expect(judgeFingerprint(fill(51, 1e-5), many)).toMatchObject({ finding: 'altered text', alteredAt: 30 });
});

import { expect, test } from 'vitest';
import { codecFor } from './codec.ts';
import { denseBody, joinPayloads, segmentRange, splitPayload } from './segments.ts';

const kinds = [{ kind: 'none' }, { kind: 'int8' }] as const;
const sizes = [1, 255, 256, 257, 1000, 4096, 10_001];

function vectorOf(elements: number): Float32Array {
  return Float32Array.from({ length: elements }, (_, i) => Math.sin(i * 12.9898) / (1 + (i % 7)));
}

test.each(sizes)(
  'segments of %i elements follow each other without a gap, at most a block apart in length',
  (elements) => {
    for (const count of [1, 2, 3, 8, 32]) {
      const ranges = Array.from({ length: count }, (_, segment) => segmentRange(elements, count, segment));
      expect(ranges[0]!.from).toBe(0);
      expect(ranges.at(-1)!.to).toBe(elements);
      for (const [i, { from }] of ranges.slice(1).entries()) expect(from).toBe(ranges[i]!.to);
      const lengths = ranges.map(({ from, to }) => to - from);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(256);
    }
  },
);

test.each(kinds)(
  '%j: a payload that is cut and joined has its bytes again, and each piece is a payload',
  (compression) => {
    const codec = codecFor(compression, []);
    const body = denseBody(compression);
    for (const elements of sizes) {
      const payload = codec.encode(vectorOf(elements));
      const said = codec.decode(payload, elements);
      for (const count of [2, 3, 8]) {
        const pieces = splitPayload(body, payload, elements, count);
        for (const [segment, piece] of pieces.entries()) {
          const { from, to } = segmentRange(elements, count, segment);
          expect(codec.decode(piece, to - from)).toEqual(said.slice(from, to));
        }
        expect(joinPayloads(body, pieces, elements)).toEqual(payload);
      }
    }
  },
);

test('what is not dense is not cut', () => {
  expect(() => denseBody({ kind: 'topk', density: 1, bits: 1 })).toThrow(/not cut/);
});

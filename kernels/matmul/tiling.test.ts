import { expect, test } from 'vitest';
import { pairTilingOf, tilingOf } from './tiling.ts';

const gpu = { maxBindingBytes: 2 ** 27 };

/** A product of row-major matrices, as nn. */
const product = (m: number, n: number, k: number) => ({ m, n, k, aRow: k, aColumn: 1, bRow: n, bColumn: 1 });
/** The gradient of a weight, as tn. */
const weight = (m: number, n: number, k: number) => ({ m, n, k, aRow: 1, aColumn: m, bRow: n, bColumn: 1 });

test('large tiles where there are enough of them, small ones elsewhere', () => {
  expect(tilingOf(product(4096, 4096, 4096), true, gpu)).toMatchObject({ tile: 128, byFour: true, parts: 1 });
  expect(tilingOf(product(512, 512, 64), true, gpu)).toMatchObject({ tile: 64, parts: 1 });
});

test('odd row lengths are read one element at a time', () => {
  expect(tilingOf(product(64, 64, 63), true, gpu).byFour).toBe(false);
  expect(tilingOf(product(63, 64, 64), true, gpu).byFour).toBe(true);
  expect(tilingOf(weight(63, 64, 64), true, gpu).byFour).toBe(false);
});

test('a small result with a long sum is summed in parts that cover it and fit a binding', () => {
  const { tile, parts, partDepth } = tilingOf(weight(512, 512, 8192), true, gpu);
  expect({ tile, parts, partDepth }).toEqual({ tile: 64, parts: 4, partDepth: 2048 });
  expect(tilingOf(weight(768, 768, 8192), true, gpu).parts).toBe(1); // 144 tiles are enough
  expect(tilingOf(weight(64, 64, 5000), true, gpu)).toMatchObject({ parts: 16, partDepth: 320 });
  expect(tilingOf(weight(64, 64, 5000), false, gpu).parts).toBe(1);
  expect(tilingOf(weight(64, 64, 500), true, gpu).parts).toBe(1);
  const tight = { maxBindingBytes: 4 * 3 * (64 * 64 + 64) };
  expect(tilingOf(weight(64, 64, 5000), true, tight).parts).toBe(3);
});

test('in a pair, the second product is summed in parts where both together are too few', () => {
  const tiling = (rows: number, width: number) => pairTilingOf(product(rows, width, 64), weight(width, 64, rows), gpu);
  expect(tiling(8192, 64)).toMatchObject({ tile: 64, parts: 16, partDepth: 512 });
  expect(tiling(512, 64)).toMatchObject({ tile: 64, parts: 2, partDepth: 256 });
  expect(tiling(8192, 1024)).toMatchObject({ tile: 128, parts: 1 });
});

test('what was measured for a class goes before the estimates, and what an op fixes before both', () => {
  const tuned = { ...gpu, tuning: new Map([['nn 128x128x2048', { tile: 128, parts: 2 } as const]]) };
  expect(tilingOf(product(70, 100, 2000), true, tuned)).toMatchObject({ tile: 128, parts: 2 });
  expect(tilingOf(product(70, 100, 2000), true, tuned, { tile: 64, parts: 4 })).toMatchObject({
    tile: 64,
    parts: 4,
  });
  expect(tilingOf(product(70, 100, 1000), true, tuned).tile).toBe(64);
  const pair = { ...gpu, tuning: new Map([['nn 128x64x64 and tn 64x64x128', { tile: 128, parts: 2 } as const]]) };
  const two = [product(128, 64, 64), weight(64, 64, 128)] as const;
  expect(pairTilingOf(...two, pair)).toMatchObject({ tile: 128, parts: 2 });
  expect(pairTilingOf(...two, pair, { tile: 64 })).toMatchObject({ tile: 64, parts: 1 });
  expect(pairTilingOf(...two, gpu)).toMatchObject({ tile: 64, parts: 1 });
  const half = { ...gpu, tuning: new Map([['f16 nn 128x64x64', { tile: 128, parts: 1 } as const]]) };
  const tileOf = (halfProducts?: 'plain' | 'matrices') =>
    tilingOf(two[0], true, halfProducts ? { ...half, halfProducts } : half).tile;
  expect([tileOf('plain'), tileOf('matrices'), tileOf()]).toEqual([128, 128, 64]);
});

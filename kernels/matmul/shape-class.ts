// Products alike enough that one choice of tiles serves them all: how their operands lie, and their sizes to the next power of two.

import type { Product } from './product.ts';

/** Tiles of 64 or 128, and the parts that the sum over k is cut into. */
export interface TileChoice {
  readonly tile: 64 | 128;
  readonly parts: number;
}

/** Choices by shape class, measured on one adapter. */
export type TileChoices = ReadonlyMap<string, TileChoice>;

/** 'nn 1024x256x512': layout, then m, n and k. */
export function shapeClassOf({ m, n, k, aColumn, bColumn }: Product): string {
  const layout = `${aColumn === 1 ? 'n' : 't'}${bColumn === 1 ? 'n' : 't'}`;
  return `${layout} ${[m, n, k].map((size) => 2 ** Math.ceil(Math.log2(size))).join('x')}`;
}

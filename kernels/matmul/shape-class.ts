// Products alike enough that one choice of tiles serves them all: how their operands lie, and their sizes to the next power of two.

import type { Product } from './product.ts';

/** 'nn 1024x256x512': layout, then m, n and k. */
export function shapeClassOf({ m, n, k, aColumn, bColumn }: Product): string {
  const layout = `${aColumn === 1 ? 'n' : 't'}${bColumn === 1 ? 'n' : 't'}`;
  return `${layout} ${[m, n, k].map((size) => 2 ** Math.ceil(Math.log2(size))).join('x')}`;
}

/** Of two products in one dispatch. */
export function pairClassOf(first: Product, second: Product): string {
  return `${shapeClassOf(first)} and ${shapeClassOf(second)}`;
}

/** Of a product in f16. */
export function halfClassOf(product: Product): string {
  return `f16 ${shapeClassOf(product)}`;
}

// Products alike enough that one choice of tiles serves them all: how their operands lie and are multiplied, and their sizes to the next
// power of two.

import type { DeviceTraits } from '../plan/op.ts';
import type { Product } from './product.ts';

type Traits = Pick<DeviceTraits, 'halfProducts'>;

/** 'nn 1024x256x512': layout, then m, n and k; after 'f16 ' in programs of that precision. */
export function shapeClassOf(product: Product, { halfProducts }: Traits): string {
  return `${halfProducts ? 'f16 ' : ''}${sizesOf(product)}`;
}

/** Of two products in one dispatch. */
export function pairClassOf(first: Product, second: Product, traits: Traits): string {
  return `${shapeClassOf(first, traits)} and ${sizesOf(second)}`;
}

function sizesOf({ m, n, k, aColumn, bColumn }: Product): string {
  const layout = `${aColumn === 1 ? 'n' : 't'}${bColumn === 1 ? 'n' : 't'}`;
  return `${layout} ${[m, n, k].map((size) => 2 ** Math.ceil(Math.log2(size))).join('x')}`;
}

// Cuts a tensor that is larger than a device's binding limit into ranges that are not, for kernels that work on any part.

import type { DeviceTraits } from './op.ts';

export interface Part {
  readonly first: number; // multiple of 64, as Binding.range wants it
  readonly elements: number;
}

/** Ranges of a vector, in order. */
export function splitElements(elements: number, traits: DeviceTraits): Part[] {
  return splitRows(elements, 1, traits).map(({ first, rows }) => ({ first, elements: rows }));
}

/** Ranges of whole rows of a matrix, each beginning at a multiple of 64 rows. A row longer than 1/64 of the limit stays whole. */
export function splitRows(rows: number, width: number, traits: DeviceTraits): { first: number; rows: number }[] {
  const fitting = Math.floor(traits.maxBindingBytes / 4 / width);
  if (rows <= fitting) return [{ first: 0, rows }];
  const step = Math.max(64, fitting - (fitting % 64));
  const parts = Math.ceil(rows / step);
  return Array.from({ length: parts }, (_, i) => ({ first: i * step, rows: Math.min(step, rows - i * step) }));
}

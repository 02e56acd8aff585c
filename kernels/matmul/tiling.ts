// Which kernel makes a product, in which tiles and how many parts: a pure function of its shape and of the device. The numbers
// below are estimates until a sweep on GPUs has measured them.

import type { DeviceTraits } from '../plan/op.ts';
import type { Product } from './product.ts';

export interface Tiling {
  /** register: no workgroup memory, for software adapters. small: tiles of 64 x 64. large: 128 x 128. */
  readonly kernel: 'register' | 'small' | 'large';
  /** Operands are read four elements at a time. */
  readonly byFour: boolean;
  /** Elements of k that one workgroup sums; less than k: a second pass adds the parts up. */
  readonly partDepth: number;
  readonly parts: number;
}

/** Workgroups that keep a large GPU busy (an H100 has 132 processors). */
const enoughWorkgroups = 256;
/** A part of a sum is never shorter: its result has to be written and read again. */
const leastPartDepth = 256;
const mostParts = 16;

/** What tests and sweeps fix instead: the attributes `tile` (64 or 128) and `parts` of an op. */
export interface ForcedTiling {
  readonly tile?: number;
  readonly parts?: number;
}

/** @param canSplit whether the product may be summed in parts: it must not end in a bias, a GELU or a residual */
export function tilingOf(
  product: Product,
  canSplit: boolean,
  traits: Pick<DeviceTraits, 'isCpu' | 'maxBindingBytes'>,
  forced: ForcedTiling = {},
): Tiling {
  const { m, n, k } = product;
  if (traits.isCpu) return { kernel: 'register', byFour: false, partDepth: k, parts: 1 };
  const isLarge = forced.tile === undefined ? tiles(m, n, 128) >= enoughWorkgroups : forced.tile === 128;
  const wanted = forced.parts ?? (isLarge ? 1 : wantedParts(product));
  const fitting = Math.floor(traits.maxBindingBytes / 4 / (m * n + n));
  const partDepth = canSplit && wanted > 1 && fitting > 1 ? Math.ceil(k / Math.min(wanted, fitting) / 64) * 64 : k;
  const kernel = isLarge ? 'large' : 'small';
  return { kernel, byFour: isVectorWide(product), partDepth: Math.min(partDepth, k), parts: Math.ceil(k / partDepth) };
}

function wantedParts({ m, n, k }: Product): number {
  return Math.min(Math.ceil(enoughWorkgroups / tiles(m, n, 64)), Math.floor(k / leastPartDepth), mostParts);
}

function tiles(m: number, n: number, size: number): number {
  return Math.ceil(m / size) * Math.ceil(n / size);
}

/** Whether the rows of both operands, as they lie in memory, are multiples of four long. */
function isVectorWide({ aRow, aColumn, bRow, bColumn }: Product): boolean {
  return Math.max(aRow, aColumn) % 4 === 0 && Math.max(bRow, bColumn) % 4 === 0;
}

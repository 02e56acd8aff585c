// In which tiles and how many parts a GPU makes a product: a pure function of its shape and of the device. The numbers
// below are estimates; what the autotuner measured on the device goes before them.

import type { DeviceTraits } from '../plan/op.ts';
import type { TileChoice } from '../plan/tile-choice.ts';
import type { Product } from './product.ts';
import { pairClassOf, shapeClassOf } from './shape-class.ts';

export interface Tiling {
  /** Rows and columns of C that a workgroup makes. */
  readonly tile: TileChoice['tile'];
  /** Operands are read four elements at a time. */
  readonly byFour: boolean;
  /** Elements of k that one workgroup sums; less than k: a second pass adds the parts up. */
  readonly partDepth: number;
  readonly parts: number;
}

/** Workgroups that keep a large GPU busy (an H100 has 132 processors); with half of them, parts are not worth a second pass. */
const enoughWorkgroups = 256;
/** The same of large tiles on subgroup matrices, which pay earlier. */
const enoughOfMatrices = 128;
/** A part of a sum is never shorter: its result has to be written and read again. */
const leastPartDepth = 256;
const mostParts = 16;

/** What tests, sweeps and the autotuner fix instead: the attributes `tile` (64 or 128) and `parts` of an op. */
export interface ForcedTiling {
  readonly tile?: number;
  readonly parts?: number;
}

type Traits = Pick<DeviceTraits, 'maxBindingBytes' | 'tuning' | 'halfProducts'>;

/** @param canSplit whether the product may be summed in parts: it must not end in a bias, a GELU or a residual */
export function tilingOf(product: Product, canSplit: boolean, traits: Traits, forced: ForcedTiling = {}): Tiling {
  const { m, n } = product;
  const chosen = chosenOf(shapeClassOf(product, traits), traits, forced);
  const isLarge = chosen.tile === undefined ? tiles(m, n, 128) >= enoughLarge(traits) : chosen.tile === 128;
  const wanted = chosen.parts ?? (isLarge ? 1 : wantedParts(product));
  return {
    tile: isLarge ? 128 : 64,
    byFour: isVectorWide(product),
    ...partsOf(product, canSplit ? wanted : 1, traits),
  };
}

/** Of two products in one dispatch; the second may be summed in parts. */
export function pairTilingOf(first: Product, second: Product, traits: Traits, forced: ForcedTiling = {}): Tiling {
  const chosen = chosenOf(pairClassOf(first, second, traits), traits, forced);
  const together = (size: number) => tiles(first.m, first.n, size) + tiles(second.m, second.n, size);
  const isLarge = chosen.tile === undefined ? together(128) >= enoughLarge(traits) : chosen.tile === 128;
  const missing = enoughWorkgroups - tiles(first.m, first.n, 64);
  const wanted = chosen.parts ?? (isLarge ? 1 : wantedParts(second, missing));
  return {
    tile: isLarge ? 128 : 64,
    byFour: isVectorWide(first) && isVectorWide(second),
    ...partsOf(second, wanted, traits),
  };
}

function enoughLarge({ halfProducts }: Traits): number {
  return halfProducts === 'matrices' ? enoughOfMatrices : enoughWorkgroups;
}

/** What is fixed, else what was measured, else nothing. */
function chosenOf(shapeClass: string, { tuning }: Pick<DeviceTraits, 'tuning'>, forced: ForcedTiling): ForcedTiling {
  const isForced = forced.tile !== undefined || forced.parts !== undefined;
  return isForced ? forced : (tuning?.get(shapeClass) ?? {});
}

/** @param workgroups how many are to work on it */
function wantedParts({ m, n, k }: Product, workgroups = enoughWorkgroups): number {
  const own = tiles(m, n, 64);
  if (own >= enoughWorkgroups / 2) return 1;
  return Math.min(Math.ceil(workgroups / own), Math.floor(k / leastPartDepth), mostParts);
}

/** Parts of a sum, as many as are wanted and fit a binding; each a multiple of 64 deep. */
function partsOf({ m, n, k }: Product, wanted: number, { maxBindingBytes }: Pick<DeviceTraits, 'maxBindingBytes'>) {
  const fitting = Math.floor(maxBindingBytes / 4 / (m * n + n));
  const partDepth = wanted > 1 && fitting > 1 ? Math.ceil(k / Math.min(wanted, fitting) / 64) * 64 : k;
  return { partDepth: Math.min(partDepth, k), parts: Math.ceil(k / partDepth) };
}

function tiles(m: number, n: number, size: number): number {
  return Math.ceil(m / size) * Math.ceil(n / size);
}

/** Whether the rows of both operands, as they lie in memory, are multiples of four long. */
export function isVectorWide({ aRow, aColumn, bRow, bColumn }: Product): boolean {
  return Math.max(aRow, aColumn) % 4 === 0 && Math.max(bRow, bColumn) % 4 === 0;
}

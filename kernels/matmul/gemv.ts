// Products with few rows: those of decoding, where a weight is used once for each text that is written.

import { gemv as wgsl } from '../generated/gemv.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { TensorSlice } from '../plan/dispatch.ts';
import type { DeviceTraits, Dispatch, Tensor } from '../plan/op.ts';
import { splitRows } from '../plan/split.ts';
import type { Product } from './product.ts';

/** The tensors of a product by their names in the WGSL; unused ones are a scratch. */
export interface GemvTensors {
  readonly a: Tensor; // [m, k]
  readonly b: Tensor;
  readonly bias: Tensor;
  readonly extra: Tensor;
  readonly c: Tensor; // [m, n]
  readonly second: Tensor;
}

export type Constants = Readonly<Record<'m' | 'n' | 'k' | 'a_row' | 'a_column' | 'b_row' | 'b_column', number>> &
  Readonly<Record<'biased' | 'slopes' | 'adds' | 'activates' | 'sums_columns', boolean>>;

/** Rows of C that an invocation sums at once. */
const mostRows = 8;

/** Whether a product has so few rows that reading B is all that counts, and leaves nothing that only a product of many can. */
export function hasFewRows({ m, aColumn }: Product, { sums_columns }: Pick<Constants, 'sums_columns'>): boolean {
  return m <= mostRows && (m === 1 || aColumn === 1) && !sums_columns;
}

/** As `hasFewRows`; on a software adapter, which reads B once for 8 x 8 of C anyway, only where B^T must go in parts. */
export function isGemv(product: Product, constants: Constants, traits: DeviceTraits): boolean {
  if (!hasFewRows(product, constants)) return false;
  return product.m === 1 || !traits.isCpu || partsOf(product, traits).length > 1;
}

/** The dispatches of a product with few rows; a B^T beyond the binding limit goes in parts. */
export function listGemv(
  tensors: GemvTensors,
  product: Product,
  constants: Constants,
  traits: DeviceTraits,
): Dispatch[] {
  const parts = partsOf(product, traits);
  if (parts.length <= 1) return [listPart(tensors, product, constants, traits)];
  return parts.map(({ first, rows: n }) => {
    const given = columnsOf(tensors, product, first, n);
    return listPart(given, { ...product, n }, { ...constants, n, first_column: first, c_row: product.n }, traits);
  });
}

function partsOf({ bRow, n, k }: Product, traits: DeviceTraits) {
  return bRow === 1 ? splitRows(n, k, traits) : [];
}

type Given = Readonly<Record<keyof GemvTensors, Tensor | TensorSlice>>;

/** The tensors of a product with the columns that rows of B^T from `first` on make. */
function columnsOf({ b, ...rest }: GemvTensors, { k }: Product, first: number, rows: number): Given {
  return { b: { tensor: b, range: { first: first * k, elements: rows * k } }, ...rest };
}

function listPart(
  tensors: Given,
  product: Product,
  constants: Constants & { readonly first_column?: number; readonly c_row?: number },
  traits: DeviceTraits,
): Dispatch {
  const { a, b, ...rest } = tensors;
  const { entryPoint, workgroups } = gemvKernel(product, traits);
  const call = { constants, workgroups };
  if (entryPoint === 'single') return dispatch(wgsl, { entryPoint, tensors: { a, b, ...rest }, ...call });
  if (entryPoint === 'plain') return dispatch(wgsl, { entryPoint, tensors: { a, b_vectors: b, ...rest }, ...call });
  return dispatch(wgsl, { entryPoint, tensors: { a_vectors: a, b_vectors: b, ...rest }, ...call });
}

/** Which entry point of prelude/gemv.wgsl makes a product with few rows. */
export function gemvKernel({ n, k, bRow }: Product, traits: DeviceTraits) {
  if (traits.isCpu || (bRow === 1 ? k : n) % 4 > 0)
    return { entryPoint: 'single', workgroups: linearWorkgroups(n, 64, traits) } as const;
  return bRow === 1
    ? ({ entryPoint: 'transposed', workgroups: linearWorkgroups(n, 8, traits) } as const)
    : ({ entryPoint: 'plain', workgroups: linearWorkgroups(n, 16, traits) } as const);
}

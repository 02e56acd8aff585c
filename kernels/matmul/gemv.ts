// Products with one row: the products of decoding, where each weight is used once.

import { gemv as wgsl } from '../generated/gemv.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { TensorSlice } from '../plan/dispatch.ts';
import type { DeviceTraits, Dispatch, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { splitRows } from '../plan/split.ts';
import type { Product } from './product.ts';

/** The tensors of a product by their names in the WGSL; unused ones are B, or a scratch to write to. */
export interface GemvTensors {
  readonly a: Tensor; // [1, k]
  readonly b: Tensor;
  readonly bias: Tensor;
  readonly extra: Tensor;
  readonly c: Tensor; // [1, n]
  readonly second: Tensor;
}

type Constants = Readonly<Record<'m' | 'n' | 'k' | 'a_row' | 'a_column' | 'b_row' | 'b_column', number>> &
  Readonly<Record<'biased' | 'slopes' | 'adds' | 'activates' | 'sums_columns', boolean>>;

/** Whether a product has one row that lies as it is, and leaves nothing that only a product of many rows can. */
export function isGemv({ m, aColumn }: Product, { sums_columns }: Constants): boolean {
  return m === 1 && aColumn === 1 && !sums_columns;
}

/** The dispatches of a product with one row; a B^T beyond the binding limit goes in parts. */
export function listGemv(
  tensors: GemvTensors,
  product: Product,
  constants: Constants,
  traits: DeviceTraits,
): Dispatch[] {
  const parts = product.bRow === 1 ? splitRows(product.n, product.k, traits) : [];
  if (parts.length <= 1) return [listPart(tensors, product, constants, traits)];
  return parts.map(({ first, rows: n }) => {
    const given = columnsOf(tensors, product, first, n);
    return listPart(given, { ...product, n }, { ...constants, n }, traits);
  });
}

type Given = Readonly<Record<keyof GemvTensors, Tensor | TensorSlice>>;

/** The tensors of a product of B^T from row `first` on. */
function columnsOf({ a, b, ...rest }: GemvTensors, { n, k }: Product, first: number, columns: number): Given {
  const part = { tensor: b, range: { first: first * k, elements: columns * k } };
  const slice = (tensor: Tensor): Tensor | TensorSlice => {
    if (tensor === b) return part; // not used
    return elementsOf(tensor.shape) === n ? { tensor, range: { first, elements: columns } } : tensor;
  };
  return {
    a,
    b: part,
    bias: slice(rest.bias),
    extra: slice(rest.extra),
    c: slice(rest.c),
    second: slice(rest.second),
  };
}

function listPart(tensors: Given, { n, k, bRow }: Product, constants: Constants, traits: DeviceTraits): Dispatch {
  const { a, b, ...rest } = tensors;
  if (traits.isCpu || (bRow === 1 ? k : n) % 4 > 0) {
    const workgroups = linearWorkgroups(n, 64, traits);
    return dispatch(wgsl, { entryPoint: 'single', tensors: { a, b, ...rest }, constants, workgroups });
  }
  if (bRow === 1) {
    const vectors = { a_vectors: a, b_vectors: b, ...rest };
    const workgroups = linearWorkgroups(n, 8, traits);
    return dispatch(wgsl, { entryPoint: 'transposed', tensors: vectors, constants, workgroups });
  }
  const workgroups = linearWorkgroups(n, 16, traits);
  return dispatch(wgsl, { entryPoint: 'plain', tensors: { a, b_vectors: b, ...rest }, constants, workgroups });
}

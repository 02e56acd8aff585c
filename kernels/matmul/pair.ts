// Two products that need nothing of each other, in one dispatch on GPUs: what a product leaves for its backward pass, the gradients
// of both its operands. Comes from fusing.

import { matmulPair as wgsl } from '../generated/matmul-pair.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import type { Attributes, DeviceTraits, Dispatch, Kernel, Op, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { spanOf } from '../plan/span.ts';
import { epilogueOf, fuseProduct } from './epilogue.ts';
import { coreOf, factorsOf } from './half.ts';
import type { Scratch } from './listing.ts';
import { listProduct, partPitch, targetsOf } from './listing.ts';
import { matmulCpu } from './matmul.cpu.ts';
import { matmulReference } from './matmul.reference.ts';
import type { Product } from './product.ts';
import { productOf } from './product.ts';
import type { Tiling } from './tiling.ts';
import { pairTilingOf } from './tiling.ts';

/**
 * [a, b, extra?, third] -> [A B, second A B, column sums of second B?]. The second product has A and the third input as operands: the
 * attribute `shared` says which of them, a or b, is A. The others: `layout`, `extra` and `gradient` of the first product, `secondLayout`,
 * `second` and `secondGradient` of the second one, as those of `matmul`.
 */
export const productPair: Kernel = {
  name: 'productPair',
  infer(inputs, attributes) {
    const [first, second] = splitPair({ inputs, outputs: [], attributes });
    const [{ m, n }, other] = [productOf(first), productOf(second)];
    const width = attributes['extra'] === 'gates' ? 2 * n : n;
    const c = attributes['layout'] === 'tn' ? [m, n] : [...inputs[0]!.shape.slice(0, -1), width];
    const sums = attributes['second'] === 'columnSum' ? [[other.n]] : [];
    return [c, [other.m, other.n], ...sums].map((shape) => ({ shape, dtype: 'f32' }));
  },
  dispatches: listPair,
  reference(inputs, outputs, op) {
    for (const half of halves(inputs, outputs, op)) matmulReference(half.inputs, half.outputs, half.op);
  },
  cpu: {
    run(inputs, outputs, op, wasm, scratch) {
      for (const half of halves(inputs, outputs, op)) matmulCpu.run(half.inputs, half.outputs, half.op, wasm, scratch);
    },
  },
  fuse(op, next, isNeeded) {
    const [first, second] = splitPair(op);
    const longer = fuseProduct({ ...op, ...first }, next, isNeeded);
    if (longer && longer.outputs.length === 1) return joinPair(longer, second);
    const summed = fuseProduct({ ...op, ...second }, next, isNeeded);
    return summed?.attributes['second'] === 'columnSum' ? joinPair(first, summed) : null;
  },
};

/** Both as one op when they are the gradients that a product leaves, else null. */
export function pairOf(op: Op, next: Op): Op | null {
  const { layout, extra, second } = op.attributes;
  const isPlain = [op, next].every(({ inputs }) => inputs.every(({ dtype }) => dtype === 'f32'));
  const isFirst = (layout === 'nt' || layout === 'nn') && second === undefined;
  const isSecond = next.attributes['layout'] === 'tn' && next.inputs.length === 2;
  const isShared = next.inputs.includes(op.inputs[0]!) && !next.inputs.includes(op.outputs[0]!);
  if (!isPlain || !isFirst || !isSecond || !isShared) return null;
  return op.inputs.length === (extra === undefined ? 2 : 3) ? joinPair(op, next) : null; // a bias is for forward passes
}

/** One product of a pair; of tensors or of views of them. */
interface Half<T> {
  readonly inputs: readonly T[];
  readonly outputs: readonly T[];
  readonly attributes: Attributes;
}

function splitPair<T>({ inputs, outputs, attributes }: Half<T>): [first: Half<T>, second: Half<T>] {
  const { layout, extra, gradient, shared, secondLayout, second, secondGradient, half } = attributes;
  const own = extra === undefined ? 2 : 3;
  const [a, third] = [inputs[0]!, inputs[own]!];
  return [
    {
      inputs: inputs.slice(0, own),
      outputs: outputs.slice(0, 1),
      attributes: known({ layout, extra, gradient, half }),
    },
    {
      inputs: shared === 'a' ? [a, third] : [third, a],
      outputs: outputs.slice(1),
      attributes: known({ layout: secondLayout, second, gradient: secondGradient, half }),
    },
  ];
}

/** @param next has the first input of `first` as an operand */
function joinPair(first: Half<Tensor>, next: Half<Tensor>): Op {
  const shared = next.inputs[1] === first.inputs[0] ? 'b' : 'a';
  const third = next.inputs[shared === 'b' ? 0 : 1]!;
  const { layout: secondLayout, second, gradient: secondGradient } = next.attributes;
  return {
    kernel: productPair,
    inputs: [...first.inputs, third],
    outputs: [...first.outputs, ...next.outputs],
    attributes: known({ ...first.attributes, shared, secondLayout, second, secondGradient }),
  };
}

/** Attributes without those that are not there. */
export function known(attributes: Readonly<Record<string, Attributes[string] | undefined>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Attributes;
}

/** Both products with the views that they work on. */
function halves(inputs: readonly View[], outputs: readonly View[], op: Op) {
  const ops = productsOfPair(op);
  const views = splitPair({ inputs, outputs, attributes: op.attributes });
  return views.map((half, i) => ({ ...half, op: ops[i]! }));
}

/** Both products as ops of their own. */
export function productsOfPair(op: Op): [first: Op, second: Op] {
  return splitPair(op).map((half) => ({ ...op, ...half })) as [Op, Op];
}

/** What a pair does besides on a GPU, for the gradients of norms around it (kernels/norm/folded.ts). */
export interface PairAdditions {
  /** What ops around a norm leave each other. */
  readonly margin: Tensor;
  /** Leaves sums of the rows of the first output from there on; with the weights of columns at the beginning of the margin. */
  readonly sums?: { readonly at: number; readonly weighted: boolean };
  readonly folds?: Fold;
}

/** Sums over the rows of [parts, 2, C] in the margin: of the first C columns into one gradient, of the others into the other, if any. */
export interface Fold {
  readonly from: number; // in the margin
  readonly parts: number;
  readonly targets: readonly [Tensor, Tensor?];
}

function listPair(op: Op, traits: DeviceTraits, scratch: Scratch): Dispatch[] {
  const halves = productsOfPair(op);
  return traits.isCpu
    ? halves.flatMap((half) => listProduct(half, traits, scratch))
    : listPairWith(op, traits, scratch);
}

/** The tiles that a GPU makes a pair in. */
export function tilingOfPair(op: Op, traits: DeviceTraits): Tiling {
  const [first, second] = productsOfPair(op).map(productOf) as [Product, Product];
  return pairTilingOf(first, second, traits, op.attributes);
}

/** The overrides of prelude/matmul-two.wgsl, and the workgroups of both products. */
export function sizesOfPair(op: Op, tiling: Tiling) {
  const [first, second] = productsOfPair(op);
  const [product, other] = [productOf(first), productOf(second)];
  const tiles = ({ m, n }: Product) => Math.ceil(m / tiling.tile) * Math.ceil(n / tiling.tile);
  const [factors, others] = [factorsOf(first), factorsOf(second)];
  const constants = {
    ...factors,
    second_a_factor: others.a_factor,
    second_b_factor: others.b_factor,
    m: product.m,
    n: product.n,
    k: product.k,
    a_row: product.aRow,
    a_column: product.aColumn,
    b_row: product.bRow,
    b_column: product.bColumn,
    second_m: other.m,
    second_n: other.n,
    second_k: other.k,
    second_a_row: other.aRow,
    second_a_column: other.aColumn,
    second_b_row: other.bRow,
    second_b_column: other.bColumn,
    sums_columns: second.attributes['second'] === 'columnSum',
    part_depth: tiling.partDepth,
    part_pitch: partPitch(second, other),
  };
  return { constants, workgroups: tiles(product) + tiles(other) * tiling.parts };
}

/** A pair on a GPU. */
export function listPairWith(op: Op, traits: DeviceTraits, scratch: Scratch, additions?: PairAdditions): Dispatch[] {
  const [first, second] = productsOfPair(op);
  const tiling = tilingOfPair(op, traits);
  const targets = targetsOf(second, tiling, traits, scratch);
  const [a, b] = first.inputs as [Tensor, Tensor];
  const { extra, extraIs } = epilogueOf(first, first.inputs);
  const folded = additions?.folds && foldInto(additions.folds, tiling.parts === 1 ? second.outputs[1] : undefined);
  const rest = {
    extra: extra ?? scratch('unused input', 1),
    c: first.outputs[0]!,
    second_c: targets.c,
    column_sums: folded?.slice ?? targets.second,
    margin: additions?.margin ?? scratch('unused margin', 1),
  };
  const third = op.inputs.at(-1)!;
  const { constants, workgroups } = sizesOfPair(op, tiling);
  const call = {
    constants: {
      ...constants,
      slopes: extraIs === 'slope',
      adds: extraIs === 'add',
      gates: extraIs === 'gates',
      a_is_second_b: op.attributes['shared'] === 'b',
      sums_rows: additions?.sums !== undefined,
      weighted: additions?.sums?.weighted ?? false,
      row_sums_at: additions?.sums?.at ?? 0,
      ...folded?.constants,
    },
    workgroups: linearWorkgroups(workgroups + (folded?.workgroups ?? 0), 1, traits),
  };
  const vectors = { a_vectors: a, b_vectors: b, third_vectors: third };
  const module = wgsl[coreOf(traits)][tiling.tile];
  const made = tiling.byFour
    ? dispatch(module, { entryPoint: 'by_four', tensors: { ...vectors, ...rest }, ...call })
    : dispatch(module, { entryPoint: 'by_one', tensors: { a, b, third, ...rest }, ...call });
  return [made, ...targets.fold];
}

/** @param columnSums a gradient that the pair's second product writes to the same binding */
function foldInto({ from, parts, targets: [first, second] }: Fold, columnSums: Tensor | undefined) {
  const { slice, offsets } = spanOf([first, second ?? first, columnSums ?? first])!;
  const [fold_at, fold_second_at, sums_at] = offsets as [number, number, number];
  const fold_width = elementsOf(first.shape);
  const fold_columns = second ? 2 * fold_width : fold_width;
  const constants = { fold_parts: parts, fold_from: from, fold_width, fold_columns, fold_at, fold_second_at, sums_at };
  return { slice, constants, workgroups: Math.ceil(fold_columns / 64) };
}

/** Whether a pair can fold: its margin is free, and what it sums shares a binding with what is folded. */
export function canFold(op: Op, [first, second]: Fold['targets'], { maxBindingBytes }: DeviceTraits): boolean {
  const [weight, columnSums = first] = productsOfPair(op)[1].outputs as [Tensor, Tensor?];
  const span = spanOf([first, second ?? first, columnSums], [weight]);
  return op.attributes['extra'] === undefined && span !== null && 4 * span.slice.range.elements <= maxBindingBytes;
}

// A norm and the product of its output, in one dispatch on GPUs where both are so small that a dispatch of its own costs more than
// reading the rows again for each tile of columns. Comes from fusing.

import { matmulNorm as wgsl } from '../generated/matmul-norm.ts';
import { epilogueOf, fuseProduct } from '../matmul/epilogue.ts';
import { hasFewRows } from '../matmul/gemv.ts';
import { coreOf, factorsOf } from '../matmul/half.ts';
import { listProduct } from '../matmul/listing.ts';
import type { Scratch } from '../matmul/listing.ts';
import { matmulCpu } from '../matmul/matmul.cpu.ts';
import { matmulReference } from '../matmul/matmul.reference.ts';
import { matmul } from '../matmul/matmul.ts';
import { layoutOf, productOf } from '../matmul/product.ts';
import type { ForcedTiling } from '../matmul/tiling.ts';
import { isVectorWide, tilingOf } from '../matmul/tiling.ts';
import { parameterAlignment } from '../plan/builder.ts';
import { dispatch } from '../plan/dispatch.ts';
import type { TensorSlice } from '../plan/dispatch.ts';
import type { Attributes, DeviceTraits, Dispatch, Kernel, Op, Tensor, View } from '../plan/op.ts';
import { normCpu } from './norm.cpu.ts';
import { normReference } from './norm.reference.ts';
import type { NormAttributes } from './rows.ts';
import { listNormRows } from './rows.ts';

/** Multiplications and additions above which the norm has a dispatch of its own: an estimate, a third of a millisecond of an H100. */
const mostOperations = 1e10;

type NormProductAttributes = NormAttributes & {
  readonly shifted: boolean; // the norm has a bias
  readonly layout: string; // of the product, nn or nt
};

/**
 * [x [R, C], gain [C], norm's bias? [C], B, product's bias? [N]] -> [norm [R, C], statistics [R, 2], product [R, N], GELU of it?
 * [R, N], or SwiGLU of it? [R, N / 2]]. Attributes: those of the norm, and `layout` and `second` of the product.
 */
export const normProduct: Kernel = {
  name: 'normProduct',
  infer(inputs, attributes) {
    const [rows, width] = inputs[0]!.shape as [number, number];
    const b = inputs[attributes['shifted'] ? 3 : 2]!;
    const columns = layoutOf(attributes) === 'nt' ? b.shape[0]! : b.shape[1]!;
    const second = { gelu: [columns], swiglu: [columns / 2] }[attributes['second'] as 'gelu' | 'swiglu'] ?? [];
    const product = [columns, ...second];
    return [width, 2, ...product].map((size) => ({ shape: [rows, size], dtype: 'f32' }));
  },
  dispatches: listNormProduct,
  reference(inputs, outputs, op) {
    const halves = halvesOf(inputs, outputs, op);
    normReference(halves.norm.inputs, halves.norm.outputs, halves.norm.op);
    matmulReference(halves.product.inputs, halves.product.outputs, halves.product.op);
  },
  cpu: {
    run(inputs, outputs, op, wasm, scratch) {
      const { norm, product } = halvesOf(inputs, outputs, op);
      normCpu.run(norm.inputs, norm.outputs, norm.op, wasm, scratch);
      matmulCpu.run(product.inputs, product.outputs, product.op, wasm, scratch);
    },
  },
  fuse(op, next, isNeeded) {
    const { norm, product } = splitNormProduct(op);
    const longer = fuseProduct({ ...op, ...product }, next, isNeeded);
    const second = longer?.attributes['second'];
    return longer && (second === 'gelu' || second === 'swiglu') && longer.attributes['extra'] === undefined
      ? joinNormProduct(norm, longer)
      : null;
  },
};

/** Both as one op when `next` is a plain product of the norm's output, else null. */
export function normProductOf(norm: Op, next: Op): Op | null {
  const isPlain = next.inputs.every(({ dtype }) => dtype === 'f32') && next.outputs.length === 1;
  const isOfNorm = next.inputs[0] === norm.outputs[0] && next.inputs[1] !== norm.outputs[0];
  if (next.kernel !== matmul || !isPlain || !isOfNorm) return null;
  if (next.attributes['layout'] === 'tn' || next.attributes['extra'] !== undefined) return null;
  return joinNormProduct(norm, next);
}

/** Of tensors or of views of them. */
interface Part<T> {
  readonly inputs: readonly T[];
  readonly outputs: readonly T[];
  readonly attributes: Attributes;
}

function splitNormProduct<T>({ inputs, outputs, attributes }: Part<T>): { norm: Part<T>; product: Part<T> } {
  const { layout, second, shifted, half, ...norm } = attributes;
  const own = shifted ? 3 : 2;
  const product = {
    layout: layout!,
    ...(second !== undefined && { second }),
    ...(half !== undefined && { half }),
  };
  return {
    norm: { inputs: inputs.slice(0, own), outputs: outputs.slice(0, 2), attributes: norm },
    product: { inputs: [outputs[0]!, ...inputs.slice(own)], outputs: outputs.slice(2), attributes: product },
  };
}

/** The product of the norm's output, as an op of its own. */
export function productOfNorm(op: Op): Op {
  return { ...op, kernel: matmul, ...splitNormProduct(op).product };
}

function joinNormProduct(norm: Part<Tensor>, product: Part<Tensor>): Op {
  return {
    kernel: normProduct,
    inputs: [...norm.inputs, ...product.inputs.slice(1)],
    outputs: [...norm.outputs, ...product.outputs],
    attributes: { ...norm.attributes, ...product.attributes, shifted: norm.inputs.length > 2 },
  };
}

/** Norm and product with the views that they work on. */
function halvesOf(inputs: readonly View[], outputs: readonly View[], op: Op) {
  const ops = splitNormProduct(op);
  const views = splitNormProduct({ inputs, outputs, attributes: op.attributes });
  return {
    norm: { ...views.norm, op: { ...op, ...ops.norm } },
    product: { ...views.product, op: { ...op, ...ops.product } },
  };
}

function listNormProduct(op: Op, traits: DeviceTraits, scratch: Scratch): Dispatch[] {
  const scales = sharedScalesOf(op, traits);
  const { norm, product } = splitNormProduct(op);
  return scales
    ? [listTogether(op, scales, traits, scratch)]
    : [listNormRows(norm, traits), ...listProduct({ ...op, ...product }, traits, scratch)];
}

/** Whether `listWithoutRows` can leave weights: norm and product share a dispatch, by fours and with a plain B. */
export function canWeigh(op: Op, traits: DeviceTraits): boolean {
  const shape = productOf(splitNormProduct(op).product);
  return op.attributes['layout'] === 'nn' && isVectorWide(shape) && sharedScalesOf(op, traits) !== null;
}

/**
 * As `dispatches`, for a gradient of the norm that reads no normalized rows: they are left out where the product does not need them
 * either.
 * @param weights [2 N] or longer: where the pairs of `leave_weights` in matmul-norm.wgsl go to; null: they are not wanted
 */
export function listWithoutRows(op: Op, traits: DeviceTraits, scratch: Scratch, weights: Tensor | null): Dispatch[] {
  const scales = sharedScalesOf(op, traits);
  if (scales === null) return listNormProduct(op, traits, scratch);
  return [listTogether(op, scales, traits, scratch, { keeps: false, weights })];
}

/** Gain and bias of a norm that shares a dispatch with its product, else null. */
function sharedScalesOf(op: Op, traits: DeviceTraits): Scales | null {
  const { norm, product } = splitNormProduct(op);
  const { m, n, k } = productOf(product);
  const isGemv = hasFewRows(productOf(product), { sums_columns: false });
  if (traits.isCpu || isGemv || 2 * m * n * k > mostOperations) return null;
  return scalesOf(norm.inputs);
}

/** What the dispatch leaves for the backward pass: its normalized rows, or the weights of columns, or neither. */
interface Leaves {
  readonly keeps: boolean;
  readonly weights: Tensor | null;
}

function listTogether(
  op: Op,
  scales: Scales,
  traits: DeviceTraits,
  scratch: Scratch,
  { keeps, weights }: Leaves = { keeps: true, weights: null },
): Dispatch {
  const { norm, product } = splitNormProduct(op);
  const shape = productOf(product);
  const { bias, secondIs } = epilogueOf(product, product.inputs);
  const { centred, epsilon } = norm.attributes as NormProductAttributes;
  const tiling = tilingOf(shape, false, traits, norm.attributes as ForcedTiling);
  const [x, b] = [norm.inputs[0]!, product.inputs[1]!];
  const [rows, statistics] = norm.outputs as [Tensor, Tensor];
  const normed = keeps ? rows : (weights ?? scratch('normed', 4));
  const [c, second = scratch('second', 1)] = product.outputs as [Tensor, Tensor?];
  const rest = { bias: bias ?? b, c, second, statistics };
  const constants = {
    m: shape.m,
    n: shape.n,
    k: shape.k,
    b_row: shape.bRow,
    b_column: shape.bColumn,
    centred,
    shift: scales.shift,
    epsilon,
    biased: bias !== undefined,
    activates: secondIs === 'gelu',
    gates: secondIs === 'swiglu',
    keeps,
    weighs: weights !== null,
    ...factorsOf(product),
  };
  const tilesOfRows = Math.ceil(shape.m / tiling.tile);
  const workgroups = [Math.ceil(shape.n / tiling.tile), tilesOfRows + (weights ? 1 : 0), 1] as const;
  const vectors = { input_vectors: x, b_vectors: b, scale_vectors: scales.slice, normed_vectors: normed };
  const module = wgsl[coreOf(traits)][tiling.tile];
  return tiling.byFour
    ? dispatch(module, { entryPoint: 'by_four', tensors: { ...vectors, ...rest }, constants, workgroups })
    : dispatch(module, {
        entryPoint: 'by_one',
        tensors: { input: x, b, scales: scales.slice, normed, ...rest },
        constants,
        workgroups,
      });
}

interface Scales {
  readonly slice: TensorSlice;
  readonly shift: number; // elements from the gain to the bias; 0: there is none
}

/** Gain and bias as one binding, because a dispatch may have only eight: they lie one after the other in the flat vector, or null. */
function scalesOf([, gain, bias]: readonly (Tensor | undefined)[]): Scales | null {
  const width = gain!.shape[0]!;
  if (!bias) return { slice: { tensor: gain!, range: { first: 0, elements: width } }, shift: 0 };
  const shift = Math.ceil(width / parameterAlignment) * parameterAlignment;
  const areNeighbours = gain!.role === 'parameter' && bias.role === 'parameter' && bias.offset === gain!.offset + shift;
  return areNeighbours ? { slice: { tensor: gain!, range: { first: 0, elements: shift + width } }, shift } : null;
}

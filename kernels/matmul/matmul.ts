// Matrix products: every linear layer, forward and backward. f32, row-major.

import { matmulFold as foldWgsl } from '../generated/matmul-fold.ts';
import { matmulLarge as largeWgsl } from '../generated/matmul-large.ts';
import { matmulRegister as registerWgsl } from '../generated/matmul-register.ts';
import { matmulSmall as smallWgsl } from '../generated/matmul-small.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectTensor } from '../plan/expect.ts';
import type { AdjointBuilder, DeviceTraits, Dispatch, Kernel, Op, Tensor } from '../plan/op.ts';
import { columnSum } from './column-sum.ts';
import { epilogueOf, fuseProduct } from './epilogue.ts';
import { matmulCpu } from './matmul.cpu.ts';
import { matmulReference } from './matmul.reference.ts';
import type { MatmulLayout, Product } from './product.ts';
import { isGemv, listGemv } from './gemv.ts';
import { layoutOf, productOf } from './product.ts';
import type { Tiling } from './tiling.ts';
import { tilingOf } from './tiling.ts';

/**
 * C = A B (+ bias): inputs [a, b] or [a, b, bias[N]], attribute `layout` (see MatmulLayout).
 * nn and nt: [.., M, K] -> [.., M, N]. tn: -> [M, N], the gradient of a weight.
 */
export const matmul: Kernel = {
  name: 'matmul',
  infer(inputs, attributes) {
    const { m, n } = productOf({ inputs, attributes });
    if (inputs.length > 2) expectTensor('matmul', inputs[2], [n]);
    const isWeightShaped = layoutOf(attributes) === 'tn';
    return [{ shape: isWeightShaped ? [m, n] : [...inputs[0]!.shape.slice(0, -1), n], dtype: 'f32' }];
  },
  dispatches: listProduct,
  reference: matmulReference,
  cpu: matmulCpu,
  fuse: fuseProduct,
  adjoint(op, builder) {
    const [a, b, bias] = op.inputs as [Tensor, Tensor, Tensor | undefined];
    const gradient = builder.gradientOf(op.outputs[0]!)!;
    const [forA, forB] = adjointProducts(layoutOf(op.attributes), a, b, gradient);
    contributeProduct(builder, a, forA);
    contributeProduct(builder, b, forB);
    const forBias = bias && builder.contribute(bias);
    if (forBias) builder.op(columnSum, [gradient], [forBias]);
  },
};

interface AdjointProduct {
  readonly layout: MatmulLayout;
  readonly inputs: readonly [Tensor, Tensor];
}

/** The products that give the gradients of A and of B from that of C. */
function adjointProducts(layout: MatmulLayout, a: Tensor, b: Tensor, c: Tensor): [AdjointProduct, AdjointProduct] {
  if (layout === 'nn')
    return [
      { layout: 'nt', inputs: [c, b] },
      { layout: 'tn', inputs: [a, c] },
    ]; // C B^T, A^T C
  if (layout === 'nt')
    return [
      { layout: 'nn', inputs: [c, b] },
      { layout: 'tn', inputs: [c, a] },
    ]; // C B, C^T A
  return [
    { layout: 'nt', inputs: [b, c] },
    { layout: 'nn', inputs: [a, c] },
  ]; // B C^T, A C
}

function contributeProduct(builder: AdjointBuilder, input: Tensor, { layout, inputs }: AdjointProduct): void {
  const target = builder.contribute(input);
  if (target) builder.op(matmul, inputs, [target], { layout });
}

/** One row: GEMV. Else 4 x 4 of C an invocation on a software adapter, where a barrier costs more than it saves; else a tile a workgroup. */
function listProduct(op: Op, traits: DeviceTraits, scratch: Scratch): Dispatch[] {
  const product = productOf(op);
  const { m, n } = product;
  const { bias, extra, secondIs } = epilogueOf(op, op.inputs);
  const constants = constantsOf(op, product);
  const [a, b] = op.inputs as [Tensor, Tensor];
  if (isGemv(product, constants)) {
    const [c, second = scratch('second', 1)] = op.outputs as [Tensor, Tensor?];
    return listGemv({ a, b, bias: bias ?? b, extra: extra ?? b, c, second }, product, constants, traits);
  }
  const tiling = tilingOf(product, !bias && !extra && secondIs !== 'gelu', traits, op.attributes);
  const { c, second, fold } = targetsOf(op, tiling, traits, scratch);
  const rest = { bias: bias ?? b, extra: extra ?? b, c, second };
  if (tiling.kernel === 'register') {
    const workgroups = [Math.ceil(n / 32), Math.ceil(m / 32), 1] as const;
    return [dispatch(registerWgsl, { entryPoint: 'matmul', tensors: { a, b, ...rest }, constants, workgroups })];
  }
  const { wgsl, size } = tiling.kernel === 'large' ? { wgsl: largeWgsl, size: 128 } : { wgsl: smallWgsl, size: 64 };
  const call = {
    constants: { ...constants, part_depth: tiling.partDepth, part_pitch: partPitch(op, product) },
    workgroups: [Math.ceil(n / size), Math.ceil(m / size), tiling.parts],
  } as const;
  const made = tiling.byFour
    ? dispatch(wgsl, { entryPoint: 'by_four', tensors: { a_vectors: a, b_vectors: b, ...rest }, ...call })
    : dispatch(wgsl, { entryPoint: 'by_one', tensors: { a, b, ...rest }, ...call });
  return [made, ...fold];
}

type Scratch = Parameters<Kernel['dispatches']>[2];

/** Where a product is written to, and the second pass when it is summed in parts. */
function targetsOf(op: Op, { parts }: Tiling, traits: DeviceTraits, scratch: Scratch) {
  const [c, second = scratch('second', 1)] = op.outputs as [Tensor, Tensor?];
  if (parts === 1) return { c, second, fold: [] };
  const { m, n } = productOf(op);
  const pitch = partPitch(op, { m, n });
  const partials = scratch('partials', parts * pitch);
  const call = {
    entryPoint: 'fold',
    tensors: { partials, c, second },
    constants: { parts, elements: m * n, columns: pitch - m * n },
    workgroups: linearWorkgroups(pitch, 256, traits),
  } as const;
  return { c: partials, second: scratch('unused', 1), fold: [dispatch(foldWgsl, call)] };
}

/** Elements that one part of a product leaves: its share of C and of the column sums. */
function partPitch(op: Op, { m, n }: Pick<Product, 'm' | 'n'>): number {
  return m * n + (epilogueOf(op, op.inputs).secondIs === 'columnSum' ? n : 0);
}

function constantsOf(op: Op, { m, n, k, aRow, aColumn, bRow, bColumn }: Product) {
  const { bias, extraIs, secondIs } = epilogueOf(op, op.inputs);
  return {
    m,
    n,
    k,
    a_row: aRow,
    a_column: aColumn,
    b_row: bRow,
    b_column: bColumn,
    biased: bias !== undefined,
    slopes: extraIs === 'slope',
    adds: extraIs === 'add',
    activates: secondIs === 'gelu',
    sums_columns: secondIs === 'columnSum',
  };
}

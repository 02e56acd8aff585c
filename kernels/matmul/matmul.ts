// Matrix products: every linear layer, forward and backward. f32, row-major.

import { matmulRegister } from '../generated/matmul-register.ts';
import { matmulTiled } from '../generated/matmul-tiled.ts';
import { dispatch } from '../plan/dispatch.ts';
import { expectTensor } from '../plan/expect.ts';
import type { AdjointBuilder, CpuPath, Dispatch, Kernel, Op, Tensor } from '../plan/op.ts';
import { columnSum } from './column-sum.ts';
import { matmulReference } from './matmul.reference.ts';
import type { MatmulLayout } from './product.ts';
import { layoutOf, productOf } from './product.ts';

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
  dispatches: (op, traits) => [traits.isCpu ? registerTile(op) : workgroupTile(op)],
  reference: matmulReference,
  cpu: cpuPath(),
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

/** 64 x 64 of C a workgroup of 16 x 16: both operands go through workgroup memory. */
function workgroupTile(op: Op): Dispatch {
  const { m, n } = productOf(op);
  const workgroups = [Math.ceil(n / 64), Math.ceil(m / 64), 1] as const;
  return dispatch(matmulTiled, { entryPoint: 'matmul', ...operands(op), workgroups });
}

/** 4 x 4 of C an invocation, no workgroup memory: on software adapters a barrier costs more than it saves. */
function registerTile(op: Op): Dispatch {
  const { m, n } = productOf(op);
  const workgroups = [Math.ceil(n / 32), Math.ceil(m / 32), 1] as const;
  return dispatch(matmulRegister, { entryPoint: 'matmul', ...operands(op), workgroups });
}

function operands(op: Op) {
  const [a, b, bias] = op.inputs as [Tensor, Tensor, Tensor | undefined];
  const { m, n, k, aRow, aColumn, bRow, bColumn } = productOf(op);
  return {
    tensors: { a, b, bias: bias ?? b, c: op.outputs[0]! },
    constants: { m, n, k, a_row: aRow, a_column: aColumn, b_row: bRow, b_column: bColumn, biased: bias !== undefined },
  };
}

function cpuPath(): CpuPath {
  return {
    run([a, b, bias], [c], op, wasm) {
      const { m, n, k } = productOf(op);
      const layout = layoutOf(op.attributes);
      if (bias) for (let row = 0; row < m; row++) c!.set(bias, row * n);
      wasm.gemm({
        m,
        n,
        k,
        a: a!.byteOffset,
        lda: layout === 'tn' ? m : k,
        transposeA: layout === 'tn',
        b: b!.byteOffset,
        ldb: layout === 'nt' ? k : n,
        transposeB: layout === 'nt',
        c: c!.byteOffset,
        ldc: n,
        accumulate: bias !== undefined,
      });
    },
  };
}

// Matrix products: every linear layer, forward and backward. f32, row-major.

import { expectTensor } from '../plan/expect.ts';
import type { AdjointBuilder, Kernel, Tensor } from '../plan/op.ts';
import { columnSum } from './column-sum.ts';
import { fuseProduct } from './epilogue.ts';
import { listProduct } from './listing.ts';
import { matmulCpu } from './matmul.cpu.ts';
import { matmulReference } from './matmul.reference.ts';
import { pairOf } from './pair.ts';
import type { MatmulLayout } from './product.ts';
import { layoutOf, productOf } from './product.ts';

/**
 * C = A B (+ bias): inputs [a, b] or [a, b, bias[N]], attribute `layout` (see MatmulLayout).
 * nn and nt: [.., M, K] -> [.., M, N]. tn: -> [M, N], the gradient of a weight. The attribute `gradient` says which operand,
 * a or b, is one: it is scaled where products round their operands. What is not finite shows in its row or column of C; where
 * operands are rounded to f16 an infinity becomes the largest f16.
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
  fuse: (op, next, isNeeded) => fuseProduct(op, next, isNeeded) ?? (next.kernel === matmul ? pairOf(op, next) : null),
  adjoint(op, builder) {
    const [a, b, bias] = op.inputs as [Tensor, Tensor, Tensor | undefined];
    const gradient = builder.gradientOf(op.outputs[0]!)!;
    const [forA, forB] = adjointProducts(layoutOf(op.attributes), a, b, gradient);
    contributeProduct(builder, a, forA, gradient);
    contributeProduct(builder, b, forB, gradient);
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

function contributeProduct(
  builder: AdjointBuilder,
  input: Tensor,
  { layout, inputs }: AdjointProduct,
  gradient: Tensor,
): void {
  const target = builder.contribute(input);
  if (target) builder.op(matmul, inputs, [target], { layout, gradient: inputs[0] === gradient ? 'a' : 'b' });
}

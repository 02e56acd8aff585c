// The mean cross-entropy of logits against targets, fused with the softmax and stable for any logits; row losses are summed
// in an order that never changes.

import { crossEntropy as rowWgsl } from '../generated/cross-entropy.ts';
import { crossEntropyGradient as gradientWgsl } from '../generated/cross-entropy-gradient.ts';
import { crossEntropyTiled as tiledWgsl } from '../generated/cross-entropy-tiled.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { splitRows } from '../plan/split.ts';
import { crossEntropyCpu, crossEntropyGradientCpu } from './cross-entropy.cpu.ts';
import { crossEntropyGradientReference, crossEntropyReference } from './cross-entropy.reference.ts';

/** A target that leaves its row out of the mean: padding. Every target of V or more does. */
export const noTarget = 0xffffffff;

/**
 * The mean over the rows of -log softmax(logits)[target], in nats.
 * @param logits [N, V], each finite or -Infinity: WGSL leaves it to the GPU what a NaN becomes (the CPU backend keeps it)
 * @param targets u32 [N], or of any shape with N elements; rows whose target is V or more are left out
 * @returns [1]; 0 when every row is left out
 */
export function crossEntropy(builder: PlanBuilder, logits: Tensor, targets: Tensor, name = 'loss'): Tensor {
  return builder.op(crossEntropyKernel, [logits, targets], {}, [name, `${name}.weight`, `${name}.logsumexp`])[0];
}

/** [logits [N, V], targets u32 [N]] -> [loss [1], weight [1] = 1 / rows counted, logsumexp [N]]. */
export const crossEntropyKernel: Kernel = {
  name: 'crossEntropy',
  infer([logits, targets]) {
    const [rows] = expectMatrix('crossEntropy', logits);
    expectTargets('crossEntropy', targets, rows);
    return [[1], [1], [rows]].map((shape) => ({ shape, dtype: 'f32' }));
  },
  dispatches({ inputs, outputs }, traits, scratch) {
    const [logits, targets] = inputs as [Tensor, Tensor];
    const [loss, weight, logsumexp] = outputs as [Tensor, Tensor, Tensor];
    const [rows, vocabulary] = logits.shape as [number, number];
    const wgsl = traits.isCpu ? rowWgsl : tiledWgsl;
    const row_losses = scratch('row losses', rows);
    const forward = splitRows(rows, vocabulary, traits).map((part) => {
      const range = { first: part.first * vocabulary, elements: part.rows * vocabulary };
      return dispatch(wgsl, {
        entryPoint: 'forward',
        tensors: { logits: { tensor: logits, range }, targets, logsumexp, row_losses },
        constants: { rows: part.rows, first_row: part.first, vocabulary },
        workgroups: linearWorkgroups(part.rows, traits.isCpu ? 64 : 1, traits),
      });
    });
    const total = dispatch(wgsl, {
      entryPoint: 'total',
      tensors: { losses: row_losses, targets, loss, weight },
      constants: { all_rows: rows, vocabulary },
      workgroups: [1, 1, 1],
    });
    return [...forward, total];
  },
  reference: crossEntropyReference,
  cpu: crossEntropyCpu,
  adjoint({ inputs, outputs }, builder) {
    const [logits, targets] = inputs as [Tensor, Tensor];
    const [loss, weight, logsumexp] = outputs as [Tensor, Tensor, Tensor];
    const target = builder.contribute(logits);
    if (!target) return;
    builder.op(crossEntropyGradientKernel, [logits, targets, weight, logsumexp, builder.gradientOf(loss)!], [target]);
  },
};

/** [logits [N, V], targets u32 [N], weight [1], logsumexp [N], gradient of the loss [1]] -> [gradient of the logits [N, V]]. */
export const crossEntropyGradientKernel: Kernel = {
  name: 'crossEntropyGradient',
  infer([logits, targets, , , gradient]) {
    const [rows, vocabulary] = expectMatrix('crossEntropyGradient', logits);
    expectTargets('crossEntropyGradient', targets, rows);
    expectTensor('crossEntropyGradient', gradient, [1]);
    return [{ shape: [rows, vocabulary], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }, traits) {
    const [logits, targets, weight, logsumexp, gradient] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [rows, vocabulary] = logits.shape as [number, number];
    return splitRows(rows, vocabulary, traits).map((part) => {
      const range = { first: part.first * vocabulary, elements: part.rows * vocabulary };
      const logits_gradient = { tensor: outputs[0]!, range };
      return dispatch(gradientWgsl, {
        entryPoint: 'backward',
        tensors: { logits: { tensor: logits, range }, targets, weight, logsumexp, gradient, logits_gradient },
        constants: { elements: range.elements, first_row: part.first, vocabulary },
        workgroups: linearWorkgroups(range.elements, 64, traits),
      });
    });
  },
  reference: crossEntropyGradientReference,
  cpu: crossEntropyGradientCpu,
};

function expectTargets(kernel: string, targets: Tensor | undefined, rows: number): void {
  expectTensor(kernel, targets, targets && elementsOf(targets.shape) === rows ? targets.shape : [rows], 'u32');
}

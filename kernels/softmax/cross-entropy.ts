// The mean cross-entropy of logits against targets, fused with the softmax and stable for any logits; row losses are summed
// in an order that never changes.

import { crossEntropy as rowWgsl } from '../generated/cross-entropy.ts';
import { crossEntropyTiled as tiledWgsl } from '../generated/cross-entropy-tiled.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { DeviceTraits, Dispatch, Kernel, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { splitRows } from '../plan/split.ts';
import { crossEntropyCpu, crossEntropyGradientCpu } from './cross-entropy.cpu.ts';
import { crossEntropyGradientReference, crossEntropyReference } from './cross-entropy.reference.ts';

/** A target that leaves its row out of the mean: padding. Every target of V or more does. */
export const noTarget = 0xffffffff;

/**
 * The mean over the rows of -log softmax(logits)[target], in nats.
 * @param logits [N, V], each finite or -Infinity. A NaN or +Infinity makes its row's logsumexp and gradient not finite, and the loss
 *   where the row has a target: on every adapter tested, for WGSL itself promises nothing of what is not finite
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
  dispatches(op, traits, scratch) {
    const [, targets] = op.inputs as [Tensor, Tensor];
    const [loss, weight] = op.outputs as [Tensor, Tensor];
    const losses = scratch('row losses', elementsOf(targets.shape));
    const total = dispatch(wgslFor(traits), {
      entryPoint: 'total',
      tensors: { losses, targets, loss, weight },
      constants: { all_rows: elementsOf(targets.shape), vocabulary: op.inputs[0]!.shape[1]! },
      workgroups: [1, 1, 1],
    });
    return [...listRows(op, { losses, counts: false }, traits), total];
  },
  reference: crossEntropyReference,
  cpu: crossEntropyCpu,
  fuse(op, next) {
    const known = op.outputs.slice(1);
    if (next.kernel !== crossEntropyGradientKernel || !known.every((tensor) => next.inputs.includes(tensor)))
      return null;
    const inputs = [...op.inputs, next.inputs[4]!];
    return { ...op, kernel: crossEntropyWithGradientKernel, inputs, outputs: [...op.outputs, ...next.outputs] };
  },
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
  dispatches(op, traits, scratch) {
    const unused = scratch('unused', 1);
    return listGradient(op.inputs as GradientInputs, op.outputs[0]!, { losses: unused, loss: null }, traits);
  },
  reference: crossEntropyGradientReference,
  cpu: crossEntropyGradientCpu,
};

type GradientInputs = [logits: Tensor, targets: Tensor, weight: Tensor, logsumexp: Tensor, gradient: Tensor];

/**
 * [logits [N, V], targets u32 [N], gradient of the loss [1]] -> [loss [1], weight [1], logsumexp [N], gradient of the logits [N, V]],
 * in two dispatches: what `total` would wait for is done beside others. Comes from fusing.
 */
export const crossEntropyWithGradientKernel: Kernel = {
  name: 'crossEntropyWithGradient',
  infer: (inputs, attributes) => [
    ...crossEntropyKernel.infer(inputs, attributes),
    { shape: inputs[0]!.shape, dtype: 'f32' },
  ],
  dispatches(op, traits, scratch) {
    const [logits, targets, gradient] = op.inputs as [Tensor, Tensor, Tensor];
    const [loss, weight, logsumexp, into] = op.outputs as [Tensor, Tensor, Tensor, Tensor];
    const losses = scratch('row losses', elementsOf(targets.shape));
    return [
      ...listRows(op, { losses, counts: true }, traits),
      ...listGradient([logits, targets, weight, logsumexp, gradient], into, { losses, loss }, traits),
    ];
  },
  reference(inputs, outputs) {
    crossEntropyReference(inputs, outputs);
    crossEntropyGradientReference([...inputs.slice(0, 2), ...outputs.slice(1, 3), inputs[2]!], outputs.slice(3));
  },
  cpu: {
    ...crossEntropyCpu,
    run(inputs, outputs, op, wasm, scratch) {
      crossEntropyCpu.run(inputs, outputs, op, wasm, scratch);
      const given = [...inputs.slice(0, 2), ...outputs.slice(1, 3), inputs[2]!];
      crossEntropyGradientCpu.run(given, outputs.slice(3), op, wasm, scratch);
    },
  },
};

/** Logsumexp and loss of each row; with `counts` also the weight, by one workgroup more. */
function listRows(
  { inputs, outputs }: Pick<Op, 'inputs' | 'outputs'>,
  { losses, counts }: { losses: Tensor; counts: boolean },
  traits: DeviceTraits,
): Dispatch[] {
  const [logits, targets] = inputs as [Tensor, Tensor];
  const [, weight, logsumexp] = outputs as [Tensor, Tensor, Tensor];
  const [all_rows, vocabulary] = logits.shape as [number, number];
  return splitRows(all_rows, vocabulary, traits).map((part) => {
    const range = { first: part.first * vocabulary, elements: part.rows * vocabulary };
    const isCounting = counts && part.first === 0;
    return dispatch(wgslFor(traits), {
      entryPoint: 'forward',
      tensors: { logits: { tensor: logits, range }, targets, logsumexp, row_losses: losses, weight },
      constants: { rows: part.rows, all_rows, first_row: part.first, vocabulary, counts: isCounting },
      workgroups: linearWorkgroups(part.rows + Number(isCounting), traits.isCpu ? 64 : 1, traits),
    });
  });
}

/** The gradient of the logits; with `loss` also the mean of the losses, by one workgroup more. */
function listGradient(
  [logits, targets, weight, logsumexp, gradient]: GradientInputs,
  into: Tensor,
  { losses, loss }: { losses: Tensor; loss: Tensor | null },
  traits: DeviceTraits,
): Dispatch[] {
  const [all_rows, vocabulary] = logits.shape as [number, number];
  return splitRows(all_rows, vocabulary, traits).map((part) => {
    const range = { first: part.first * vocabulary, elements: part.rows * vocabulary };
    const averages = loss !== null && part.first === 0;
    return dispatch(wgslFor(traits), {
      entryPoint: 'backward',
      tensors: {
        logits: { tensor: logits, range },
        targets,
        known_weight: weight,
        known_logsumexp: logsumexp,
        gradient,
        logits_gradient: { tensor: into, range },
        losses: loss ? losses : logsumexp,
        loss: loss ?? losses,
      },
      constants: { elements: range.elements, first_row: part.first, all_rows, vocabulary, averages },
      workgroups: linearWorkgroups(64 * Math.ceil(range.elements / 64) + Number(averages), 64, traits),
    });
  });
}

/** One workgroup a row on a GPU, one invocation a row on a software adapter. */
function wgslFor(traits: DeviceTraits): typeof rowWgsl | typeof tiledWgsl {
  return traits.isCpu ? rowWgsl : tiledWgsl;
}

function expectTargets(kernel: string, targets: Tensor | undefined, rows: number): void {
  expectTensor(kernel, targets, targets && elementsOf(targets.shape) === rows ? targets.shape : [rows], 'u32');
}

// The gradient of a norm: by its input, by its gain and bias, and by all of them at once, which reads everything only once.

import { normGradient as scaleWgsl } from '../generated/norm-gradient.ts';
import { norm as rowWgsl } from '../generated/norm.ts';
import { normTiled as tiledWgsl } from '../generated/norm-tiled.ts';
import { addendOf, withAddend } from '../elementwise/addend.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { DeviceTraits, Dispatch, Kernel, Op, Tensor } from '../plan/op.ts';
import { normGradientReference, normInputGradientReference, normScaleGradientReference } from './norm.reference.ts';
import type { NormAttributes } from './rows.ts';
import { rowWorkgroups } from './rows.ts';

type Scratch = Parameters<Kernel['dispatches']>[2];
type Inputs = [x: Tensor, gain: Tensor, mean: Tensor, rstd: Tensor, gradient: Tensor, addend?: Tensor];

/** The widest row whose sums `norm-tiled.wgsl` keeps in workgroup memory. */
const widestFused = 2048;
/** Chunks of rows that a GPU sums gain and bias gradients over: enough to keep it busy, few enough to add up. */
const mostChunks = 256;

/** [x [R, C], gain [C], mean [R], rstd [R], gradient [R, C], addend? [R, C]] -> [gradient of x + addend [R, C]]. */
export const normInputGradientKernel: Kernel = {
  name: 'normInputGradient',
  infer([x, , , , gradient]) {
    const [rows, width] = expectMatrix('normInputGradient', x);
    expectTensor('normInputGradient', gradient, [rows, width]);
    return [{ shape: [rows, width], dtype: 'f32' }];
  },
  dispatches: (op, traits, scratch) => [listInputGradient(op, 1, null, traits, scratch)],
  reference: normInputGradientReference,
  fuse(op, next, isNeeded) {
    if (next.kernel !== normScaleGradientKernel) return fuseAddend(op, next, isNeeded);
    const [x, , , , gradient] = op.inputs as Inputs;
    if (next.inputs[0] !== x || next.inputs[3] !== gradient || x.shape[1]! > widestFused) return null;
    return { ...op, kernel: normGradientKernel, outputs: [...op.outputs, ...next.outputs] };
  },
};

/** [x [R, C], mean [R], rstd [R], gradient [R, C]] -> [gradient of gain [C], of bias [C] if `biased`]. */
export const normScaleGradientKernel: Kernel = {
  name: 'normScaleGradient',
  infer([x, , , gradient], { biased }) {
    const [rows, width] = expectMatrix('normScaleGradient', x);
    expectTensor('normScaleGradient', gradient, [rows, width]);
    const one = { shape: [width], dtype: 'f32' } as const;
    return biased ? [one, one] : [one];
  },
  dispatches({ inputs, outputs }, traits, scratch) {
    const [x, mean, rstd, gradient] = inputs as [Tensor, Tensor, Tensor, Tensor];
    return listScaleGradient({ x, mean, rstd, gradient }, outputs, traits, scratch);
  },
  reference: normScaleGradientReference,
};

/** Both at once, inputs as normInputGradient -> [gradient of x + addend, of gain, of bias if there is one]. Comes from fusing. */
export const normGradientKernel: Kernel = {
  name: 'normGradient',
  infer: ([x, gain]) => [x, gain, gain].map((like) => ({ shape: like!.shape, dtype: 'f32' })),
  dispatches(op, traits, scratch) {
    const [x, , mean, rstd, gradient] = op.inputs as Inputs;
    const [rows, width] = x.shape as [number, number];
    const scales = op.outputs.slice(1);
    if (traits.isCpu) {
      const input = listInputGradient(op, 1, null, traits, scratch);
      return [input, ...listScaleGradient({ x, mean, rstd, gradient }, scales, traits, scratch)];
    }
    const chunk = Math.ceil(rows / mostChunks);
    const chunks = Math.ceil(rows / chunk);
    const partials = scratch('partials', 2 * chunks * width);
    return [
      listInputGradient(op, chunk, partials, traits, scratch),
      listTotal(partials, scales, { width, chunks }, traits),
    ];
  },
  reference: normGradientReference,
  fuse: fuseAddend,
};

/** Takes over the sum of the gradient of x with another contribution to it. */
function fuseAddend(op: Op, next: Op, isNeeded: (tensor: Tensor) => boolean): Op | null {
  const addend = op.inputs.length === 5 ? addendOf(op, next, isNeeded) : null;
  return addend && withAddend(op, addend, next);
}

/** @param partials [chunks, C, 2], or null: gain and bias gradients are somebody else's */
function listInputGradient(
  { inputs, outputs, attributes }: Op,
  chunk: number,
  partials: Tensor | null,
  traits: DeviceTraits,
  scratch: Scratch,
): Dispatch {
  const [x, gain, saved_mean, saved_rstd, gradient, addend] = inputs as Inputs;
  const { centred } = attributes as NormAttributes;
  const [rows, width] = x.shape as [number, number];
  const tensors = { x, gain, saved_mean, saved_rstd, gradient, addend: addend ?? x, input_gradient: outputs[0]! };
  const constants = { rows, width, centred, adds: addend !== undefined };
  if (traits.isCpu)
    return dispatch(rowWgsl, { entryPoint: 'backward', tensors, constants, workgroups: rowWorkgroups(rows, traits) });
  return dispatch(tiledWgsl, {
    entryPoint: 'backward',
    tensors: { ...tensors, scale_partials: partials ?? scratch('unused', 2) },
    constants: { ...constants, chunk, sums_scales: partials !== null },
    workgroups: linearWorkgroups(Math.ceil(rows / chunk), 1, traits),
  });
}

function listScaleGradient(
  tensors: Readonly<Record<'x' | 'mean' | 'rstd' | 'gradient', Tensor>>,
  outputs: readonly Tensor[],
  traits: DeviceTraits,
  scratch: Scratch,
): Dispatch[] {
  const [rows, width] = tensors.x.shape as [number, number];
  const chunk = Math.ceil(Math.sqrt(rows));
  const chunks = Math.ceil(rows / chunk);
  const partials = scratch('partials', 2 * chunks * width);
  const sums = dispatch(scaleWgsl, {
    entryPoint: 'sum_rows',
    tensors: { ...tensors, partials },
    constants: { rows, chunk, width, chunks },
    workgroups: linearWorkgroups(chunks * width, 64, traits),
  });
  return [sums, listTotal(partials, outputs, { width, chunks }, traits)];
}

/** The second pass: sums the chunks into the gradients of gain and bias. */
function listTotal(
  chunk_sums: Tensor,
  outputs: readonly Tensor[],
  constants: { readonly width: number; readonly chunks: number },
  traits: DeviceTraits,
): Dispatch {
  const [gain_gradient, bias_gradient] = outputs as [Tensor, Tensor?];
  const call = { constants, workgroups: linearWorkgroups(constants.width, 64, traits) };
  if (!bias_gradient)
    return dispatch(scaleWgsl, { entryPoint: 'total', tensors: { chunk_sums, gain_gradient }, ...call });
  const tensors = { chunk_sums, gain_gradient, bias_gradient };
  return dispatch(scaleWgsl, { entryPoint: 'total_with_bias', tensors, ...call });
}

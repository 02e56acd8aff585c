// Rotary positions as part of attention. Tiles turn q and k on their way into workgroup memory and their gradients on the way out, so
// that a GPU neither reads nor writes qkv once more; elsewhere attention runs between turning and turning back.

import { InnerOps } from '../plan/inner.ts';
import type { CpuPath, DeviceTraits, Dispatch, Kernel, Op, Tensor, View } from '../plan/op.ts';
import { rotaryKernel } from '../rotary/rotary.ts';
import type { RotaryAttributes } from '../rotary/rotary.reference.ts';
import { rotaryReference } from '../rotary/rotary.reference.ts';
import { attentionShape } from './attention.reference.ts';

/** Inputs without angles: qkv of the forward pass; qkv, out, logsumexp and gradient of the backward pass. */
type Plain = 1 | 4;

/** The table of angles, where q and k are turned. */
export function anglesOf({ inputs }: Pick<Op, 'inputs'>, plain: Plain): Tensor | undefined {
  return inputs[plain];
}

/** Whether the kernels for GPUs turn by themselves: the halves of a head must be whole vectors of four. */
export function turnsInTiles(op: Op, traits: DeviceTraits): boolean {
  return !traits.isCpu && attentionShape(op).headSize % 8 === 0;
}

/** The dispatches of an op that turns q and k, from those of one that does not. */
export function listApart(
  op: Op,
  plain: Plain,
  list: (op: Op) => Dispatch[],
  ...[traits, scratch]: [DeviceTraits, Parameters<Kernel['dispatches']>[2]]
): Dispatch[] {
  const inner = new InnerOps(traits, scratch);
  const [qkv, ...others] = op.inputs.slice(0, plain) as [Tensor, ...Tensor[]];
  const angles = op.inputs[plain]!;
  const turned = inner.scratch('turned', qkv.shape);
  inner.list(rotaryKernel, [qkv, angles], [turned], attributesOf(op, false));
  const into = plain === 1 ? op.outputs[0]! : inner.scratch('gradient of turned', qkv.shape);
  inner.add(...list({ ...op, inputs: [turned, ...others], outputs: [into, ...op.outputs.slice(1)] }));
  if (plain === 4) inner.list(rotaryKernel, [into, angles], op.outputs, attributesOf(op, true));
  return inner.dispatches;
}

/** As listApart, for a reference: of views, not tensors. */
export function turnedReference(reference: Kernel['reference'], plain: Plain): Kernel['reference'] {
  return (inputs, outputs, op) => {
    const angles = inputs[plain];
    if (!angles) return reference(inputs, outputs, op);
    const turned = inputs[0]!.slice();
    turn(turned, angles, op, false);
    reference([turned, ...inputs.slice(1, plain)], outputs, op);
    if (plain === 4) turn(outputs[0]!, angles, op, true);
  };
}

/** As listApart, for the CPU backend. */
export function turnedCpu(path: CpuPath, plain: Plain): CpuPath {
  const scratchOf = (op: Op) => path.scratch?.(op) ?? 0;
  return {
    scratch: (op) => scratchOf(op) + (anglesOf(op, plain) ? elementsOfQkv(op) : 0),
    run(inputs, outputs, op, wasm, scratch) {
      const angles = inputs[plain];
      if (!angles) return path.run(inputs, outputs, op, wasm, scratch);
      const own = scratch.subarray(0, scratchOf(op));
      const turned = scratch.subarray(own.length, own.length + elementsOfQkv(op));
      turned.set(inputs[0]!);
      turn(turned, angles, op, false);
      path.run([turned, ...inputs.slice(1, plain)], outputs, op, wasm, own);
      if (plain === 4) turn(outputs[0]!, angles, op, true);
    },
  };
}

function elementsOfQkv({ inputs: [qkv] }: Op): number {
  return qkv!.shape[0]! * qkv!.shape[1]!;
}

function turn(qkv: View, angles: View, op: Op, inverse: boolean): void {
  const tensors = [op.inputs[0]!, op.inputs.at(-1)!];
  rotaryReference([qkv, angles], [qkv], { ...op, inputs: tensors, attributes: attributesOf(op, inverse) });
}

function attributesOf(op: Op, inverse: boolean): RotaryAttributes {
  const { headSize, heads, kvHeads } = attentionShape(op);
  return { headSize, heads: heads + kvHeads, inverse };
}

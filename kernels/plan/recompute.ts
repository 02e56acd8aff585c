// Recomputation: a segment of a forward pass is listed a second time before its gradients, so that its inner values do not have
// to be kept from the forward to the backward pass. What reads the segment from outside goes on reading the first values.

import type { Op, Tensor } from './op.ts';

/** Ops `first` .. `end - 1` of a list. */
export interface Segment {
  readonly first: number;
  readonly end: number;
}

/** The same ops over copies of their outputs. @param copy makes a tensor like a given one */
export function copySegment(ops: readonly Op[], copy: (like: Tensor) => Tensor) {
  const copyOf = new Map<Tensor, Tensor>();
  for (const output of ops.flatMap((op) => op.outputs)) copyOf.set(output, copy(output));
  const rewire = (tensors: readonly Tensor[]) => tensors.map((tensor) => copyOf.get(tensor) ?? tensor);
  const copies = ops.map((op) => ({ ...op, inputs: rewire(op.inputs), outputs: rewire(op.outputs) }));
  return { copies, copyOf };
}

/** Leaves out those of `candidates` whose outputs nothing reads: a segment's last sum, which no gradient needs. */
export function dropUnread(ops: readonly Op[], candidates: ReadonlySet<Op>): Op[] {
  const read = new Set<Tensor>();
  const kept = ops.toReversed().filter((op) => {
    const isUnread = candidates.has(op) && !op.outputs.some((output) => read.has(output));
    if (!isUnread) for (const input of op.inputs) read.add(input);
    return !isUnread;
  });
  return kept.toReversed();
}

// Merges ops of a finished list: an op takes over the work of a later one that reads an output or an input of it, when its kernel
// offers to (`Kernel.fuse`) and nothing in between minds. So models and adjoints stay lists of simple ops.
//
// What this comes to on GPUs: ops that wait for nothing of each other share a dispatch (both gradients of a product, the rows and
// columns of a norm's gradient, queries and keys of attention's, the order of the tokens and their look-up), and what waits only for
// its own rows ends or begins a product (bias, GELU, SwiGLU, residual, norm) or attention (rotary positions). A block of a GPT is five
// dispatches forward: norm and qkv, attention, projection and residual, norm and widening and GELU, narrowing and residual; and six
// backward: four pairs of products, attention, a norm. Each waits for all rows of the one before. The gradient of the other norm ends
// the pair before it, which needs what only a device knows: kernels/norm/folded.ts does that when a plan is laid out. The same for
// the norm before attention would want its row sums from attention's gradient, whose workgroups have keys and queries of one head, not
// tiles of columns; and taking the gradient of a norm into the product after it sums its rows anew, and loads gradient, input and
// residual instead of one operand, for each tile of columns and for the weight's gradient: two to three times the loads of products
// that are near the limit of the cache (counted, not measured).

import type { Op, Tensor } from './op.ts';
import { elementsOf } from './op.ts';

/**
 * @param ops in order of execution
 * @param readable names of temporaries that must be written although no op may read them
 * @returns ops that write the same values in fewer steps
 */
export function fuseOps(ops: readonly Op[], readable: ReadonlySet<string>): Op[] {
  const list = [...ops];
  for (let at = 0; at < list.length; at++) {
    let next = at + 1;
    while (next < list.length) {
      const fused = fusePair(list, at, next, readable);
      if (fused) list.splice(next, 1);
      if (fused) list[at] = fused;
      next = fused ? at + 1 : next + 1; // what did not fit the op before may fit it now
    }
  }
  return list;
}

function fusePair(list: readonly Op[], at: number, next: number, readable: ReadonlySet<string>): Op | null {
  const [op, later] = [list[at]!, list[next]!];
  if (!op.kernel.fuse || later.kernel.inPlace || op.kernel.inPlace) return null;
  const shared = new Set([...op.inputs, ...op.outputs]);
  if (!later.inputs.some((input) => shared.has(input))) return null;
  if (!canMove(later, list.slice(at + 1, next))) return null;
  const isNeeded = (tensor: Tensor): boolean =>
    tensor.role !== 'temporary' ||
    readable.has(tensor.name) ||
    list.some((other) => other !== later && other.inputs.includes(tensor));
  const fused = op.kernel.fuse(op, later, isNeeded);
  // What a second output adds to the first one cannot be read before it is written.
  return fused?.inputs.some((input) => fused.outputs.includes(input)) ? null : fused;
}

/** Whether an op may run before all of `between`: they neither write what it reads, nor touch what it writes. */
function canMove(op: Op, between: readonly Op[]): boolean {
  const touches = (tensors: readonly Tensor[], other: Tensor) => tensors.some((tensor) => overlap(tensor, other));
  return between.every(
    ({ inputs, outputs }) =>
      !outputs.some((output) => touches(op.inputs, output) || touches(op.outputs, output)) &&
      !inputs.some((input) => touches(op.outputs, input)),
  );
}

/** Slices of the flat vectors overlap where their ranges do; other tensors only with themselves. */
function overlap(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  if (a.role !== b.role || (a.role !== 'parameter' && a.role !== 'gradient')) return false;
  return a.offset < b.offset + elementsOf(b.shape) && b.offset < a.offset + elementsOf(a.shape);
}

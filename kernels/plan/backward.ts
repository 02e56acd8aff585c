// Walks a list of ops in reverse and lists their adjoints. Each op adds its contribution to the gradients of its inputs;
// a tensor with several contributions gets one sum op, just before the first op that needs it.

import { sum } from '../elementwise/sum.ts';
import type { AdjointBuilder, Attributes, DType, Kernel, Op, Tensor } from './op.ts';
import type { Segment } from './recompute.ts';
import { copySegment } from './recompute.ts';
import { LoomError } from '../../shared/errors.ts';

/** Where adjoints are listed: a PlanBuilder. */
export interface Listing {
  temporary(name: string, shape: readonly number[], dtype?: DType, kind?: Tensor['kind']): Tensor;
  opInto(kernel: Kernel, inputs: readonly Tensor[], outputs: readonly Tensor[], attributes?: Attributes): void;
  list(op: Op): void;
}

/**
 * Lists the adjoints of a forward pass on `builder`.
 * @param forward its ops, and the segments of them whose values are computed again
 * @param seeds gradients of the loss by outputs, which the walk starts from
 * @param gradientSlice where the gradient of a parameter must land
 * @returns the forward ops listed a second time; those that no adjoint reads are for `dropUnread`
 */
export function listAdjoints(
  builder: Listing,
  { ops, segments }: { readonly ops: readonly Op[]; readonly segments: readonly Segment[] },
  seeds: readonly { output: Tensor; gradient: Tensor }[],
  gradientSlice: (parameter: Tensor) => Tensor,
): ReadonlySet<Op> {
  const walk = new Walk(builder, ops, gradientSlice);
  const repeated = new Set<Op>();
  for (const { output, gradient } of seeds) walk.pass(output, gradient);
  for (let at = ops.length - 1; at >= 0; at--) {
    const segment = segments.find(({ end }) => end - 1 === at);
    if (!segment) {
      walk.visit(ops[at]!);
      continue;
    }
    for (const op of walk.repeat(ops.slice(segment.first, segment.end))) repeated.add(op);
    at = segment.first;
  }
  walk.finishParameters();
  return repeated;
}

class Walk implements AdjointBuilder {
  readonly #builder: Listing;
  readonly #gradientSlice: (parameter: Tensor) => Tensor;
  readonly #differentiable = new Set<Tensor>(); // depends on a parameter
  readonly #uses = new Map<Tensor, number>(); // parameter -> ops that read it
  readonly #contributions = new Map<Tensor, Tensor[]>();
  readonly #total = new Map<Tensor, Tensor>(); // tensor -> its whole gradient, once asked for

  constructor(builder: Listing, ops: readonly Op[], gradientSlice: (parameter: Tensor) => Tensor) {
    this.#builder = builder;
    this.#gradientSlice = gradientSlice;
    for (const op of ops) this.#noteForward(op);
  }

  #noteForward(op: Op): void {
    for (const input of op.inputs) {
      if (input.role !== 'parameter') continue;
      this.#differentiable.add(input);
      this.#uses.set(input, (this.#uses.get(input) ?? 0) + 1);
    }
    this.#noteOutputs(op);
  }

  #noteOutputs(op: Op): void {
    if (!op.inputs.some((input) => this.#differentiable.has(input))) return;
    for (const output of op.outputs) if (output.dtype === 'f32') this.#differentiable.add(output);
  }

  visit(op: Op): void {
    if (!op.outputs.some((output) => this.#contributions.has(output))) return;
    if (!op.inputs.some((input) => this.#differentiable.has(input))) return;
    if (!op.kernel.adjoint)
      throw new LoomError('internal', `${op.kernel.name} has no gradient, but the loss depends on it`);
    op.kernel.adjoint(op, this);
  }

  /** Lists the ops of a segment again, with outputs of their own, and the adjoints of those. */
  repeat(ops: readonly Op[]): readonly Op[] {
    const outputs = ops.flatMap((op) => op.outputs);
    if (!outputs.some((output) => this.#contributions.has(output))) return [];
    const { copies, copyOf } = copySegment(ops, (like) =>
      this.#builder.temporary(like.name, like.shape, like.dtype, like.kind),
    );
    for (const op of copies) this.#builder.list(op);
    for (const op of copies) this.#noteOutputs(op);
    for (const output of outputs) {
      const gradient = this.gradientOf(output);
      if (gradient) this.pass(copyOf.get(output)!, gradient);
    }
    for (const op of copies.toReversed()) this.visit(op);
    return copies;
  }

  temporary(name: string, shape: readonly number[], dtype: DType = 'f32'): Tensor {
    return this.#builder.temporary(name, shape, dtype);
  }

  op(kernel: Kernel, inputs: readonly Tensor[], outputs: readonly Tensor[], attributes: Attributes = {}): void {
    this.#builder.opInto(kernel, inputs, outputs, attributes);
  }

  gradientOf(output: Tensor): Tensor | null {
    const contributions = this.#contributions.get(output);
    if (!contributions) return null;
    const known = this.#total.get(output);
    if (known) return known;
    const total = contributions.length === 1 ? contributions[0]! : this.#sum(contributions, this.#fresh(output));
    this.#total.set(output, total);
    return total;
  }

  contribute(input: Tensor): Tensor | null {
    if (!this.#differentiable.has(input)) return null;
    const only = input.role === 'parameter' && this.#uses.get(input) === 1;
    const target = only ? this.#gradientSlice(input) : this.#fresh(input);
    this.#add(input, target);
    return target;
  }

  pass(input: Tensor, gradient: Tensor): void {
    if (this.#differentiable.has(input)) this.#add(input, gradient);
  }

  /** Sums what several ops contributed to one parameter (a token embedding that is also the LM head) into its slice. */
  finishParameters(): void {
    for (const [tensor, contributions] of this.#contributions) {
      if (tensor.role !== 'parameter') continue;
      const slice = this.#gradientSlice(tensor);
      if (!contributions.includes(slice)) this.#sum(contributions, slice);
    }
  }

  #add(input: Tensor, gradient: Tensor): void {
    const contributions = this.#contributions.get(input);
    if (contributions) contributions.push(gradient);
    else this.#contributions.set(input, [gradient]);
  }

  #fresh(tensor: Tensor): Tensor {
    // A parameter's gradient slice has the plain name.
    if (tensor.role === 'parameter') return this.#builder.temporary(`part of d(${tensor.name})`, tensor.shape);
    return this.#builder.temporary(`d(${tensor.name})`, tensor.shape, 'f32', 'gradient');
  }

  #sum(contributions: readonly Tensor[], target: Tensor): Tensor {
    let rest = contributions;
    while (rest.length > 3) {
      const partial = this.#fresh(target);
      this.#builder.opInto(sum, rest.slice(0, 3), [partial]);
      rest = [partial, ...rest.slice(3)];
    }
    this.#builder.opInto(sum, rest, [target]);
    return target;
  }
}

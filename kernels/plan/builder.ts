// Lists a program: tensors, ops, and the ops of its gradient. A model calls `op` line by line, then `backward`, then lists its
// optimizer over the flat vectors with `update`; `finish` checks the whole and freezes it. No device, no storage. A tensor without
// elements is refused.

import { LoomError } from '../../shared/errors.ts';
import { listAdjoints } from './backward.ts';
import type { Segment } from './recompute.ts';
import { dropUnread } from './recompute.ts';
import { fuseOps } from './fuse.ts';
import type { Attributes, DType, Kernel, Op, Tensor, View } from './op.ts';
import { elementsOf } from './op.ts';
import type { Parameter, Plan } from './plan.ts';

/** Elements a parameter's offset is a multiple of: 256 bytes, WebGPU's binding alignment. */
export const parameterAlignment = 64;

export interface BackwardOptions {
  readonly recompute?: boolean;
}

type Outputs = readonly [Tensor, ...Tensor[]];

export class PlanBuilder {
  readonly #ops: Op[] = [];
  readonly #tensors: Tensor[] = [];
  readonly #names = new Set<string>();
  readonly #parameters = new Map<Tensor, Parameter>();
  readonly #gradients = new Map<Tensor, Tensor>(); // parameter -> its slice of the gradient vector
  readonly #constants: { tensor: Tensor; data: View }[] = [];
  readonly #readable = new Set<string>();
  readonly #segments: Segment[] = [];
  #repeated: ReadonlySet<Op> = new Set(); // ops of segments, listed again for the backward pass
  #parameterCount = 0;
  #flat: { parameters: Tensor; gradients: Tensor } | null = null;

  /** A tensor that the caller writes before a run. */
  input(name: string, shape: readonly number[], dtype: DType = 'f32'): Tensor {
    return this.#tensor(name, shape, dtype, 'input');
  }

  /** A slice of the flat parameter vector. All parameters come before the first `parameters` or `gradients`. */
  parameter(name: string, shape: readonly number[], options: { decay?: boolean } = {}): Tensor {
    if (this.#flat) throw defect(`parameter ${name} comes after the flat vector was made`);
    const offset = this.#parameterCount;
    const tensor = this.#tensor(name, shape, 'f32', 'parameter', { offset });
    const elements = elementsOf(shape);
    this.#parameters.set(tensor, { name, shape, offset, elements, decay: options.decay ?? false });
    this.#parameterCount += Math.ceil(elements / parameterAlignment) * parameterAlignment;
    return tensor;
  }

  /** A tensor kept between runs, zero at first (optimizer moments, counters). @param kind of what runs leave for later ones */
  state(name: string, shape: readonly number[], dtype: DType = 'f32', kind?: Tensor['kind']): Tensor {
    return this.#tensor(name, shape, dtype, 'state', { kind });
  }

  /** A tensor written once, when the plan is compiled. */
  constant(name: string, shape: readonly number[], data: View): Tensor {
    const tensor = this.#tensor(name, shape, data instanceof Uint32Array ? 'u32' : 'f32', 'constant');
    if (data.length !== elementsOf(shape))
      throw defect(`constant ${name} has ${data.length} elements, not [${shape.join(', ')}]`);
    this.#constants.push({ tensor, data });
    return tensor;
  }

  /** A tensor that lives inside one run and is written by an op listed with `opInto`. */
  temporary(name: string, shape: readonly number[], dtype: DType = 'f32', kind?: Tensor['kind']): Tensor {
    return this.#tensor(this.#freeName(name), shape, dtype, 'temporary', { kind });
  }

  /**
   * Lists an op and makes its outputs.
   * @param names of the outputs, made unique with a number; the kernel's name without
   */
  op(kernel: Kernel, inputs: readonly Tensor[], attributes: Attributes = {}, names: readonly string[] = []): Outputs {
    const shapes = kernel.infer(inputs, attributes);
    const outputs = shapes.map(({ shape, dtype }, index) =>
      this.temporary(names[index] ?? kernel.name, shape, dtype, 'activation'),
    );
    this.#ops.push({ kernel, inputs, outputs, attributes });
    return outputs as unknown as Outputs;
  }

  /**
   * Marks what `list` lists (a block of a model) as a segment: `backward` may compute its inner values again instead of keeping
   * them. Segments do not nest.
   */
  segment<T>(list: () => T): T {
    const first = this.#ops.length;
    const result = list();
    this.#segments.push({ first, end: this.#ops.length });
    return result;
  }

  /** Lists an op that writes existing tensors: gradient slices, temporaries made beforehand. */
  opInto(kernel: Kernel, inputs: readonly Tensor[], outputs: readonly Tensor[], attributes: Attributes = {}): void {
    const shapes = kernel.infer(inputs, attributes);
    const fits = shapes.length === outputs.length && shapes.every((want, index) => sameType(want, outputs[index]!));
    if (!fits)
      throw defect(`${kernel.name} writes ${shapes.map(describe).join(', ')}, not ${outputs.map(describe).join(', ')}`);
    this.#ops.push({ kernel, inputs, outputs, attributes });
  }

  /** Lists an op that exists already: a forward op once more, over other tensors. */
  list(op: Op): void {
    this.#ops.push(op);
  }

  /** As `opInto`, for an `inPlace` kernel: it reads and changes `outputs` (state, the flat parameter vector). */
  update(kernel: Kernel, inputs: readonly Tensor[], outputs: readonly Tensor[], attributes: Attributes = {}): void {
    if (!kernel.inPlace) throw defect(`${kernel.name} does not update in place`);
    this.opInto(kernel, inputs, outputs, attributes);
  }

  /** The whole flat parameter vector, [parameterCount], as one tensor. */
  parameters(): Tensor {
    return this.#flatVectors().parameters;
  }

  /** The whole flat gradient vector, [parameterCount], as one tensor; zero where no gradient flows. */
  gradients(): Tensor {
    return this.#flatVectors().gradients;
  }

  /** The parameters declared so far, in order: what AdamW needs to know which slices decay. */
  layout(): readonly Parameter[] {
    return [...this.#parameters.values()];
  }

  /**
   * Lists the ops that compute the gradient of a scalar by every parameter it depends on, into the flat gradient vector.
   * Once a plan.
   * @param options.recompute computes the inner values of each segment again before its gradients, from what the segment read,
   *   so that they need no memory in between (Chen et al. 2016, arXiv:1604.06174); the gradients are the same bits
   */
  backward(loss: Tensor, options: BackwardOptions = {}): void {
    if (elementsOf(loss.shape) !== 1) throw defect(`the loss ${loss.name} is not a scalar`);
    const gradient = this.constant(`d(${loss.name})`, loss.shape, new Float32Array([1]));
    this.backwardFrom([{ output: loss, gradient }], options);
  }

  /** As `backward`, from given gradients of any outputs: how a part of a model is differentiated alone. */
  backwardFrom(seeds: readonly { output: Tensor; gradient: Tensor }[], { recompute }: BackwardOptions = {}): void {
    const forward = { ops: [...this.#ops], segments: recompute ? this.#segments : [] };
    this.#repeated = listAdjoints(this, forward, seeds, (parameter) => this.#gradientSlice(parameter));
  }

  /** Lets `Program.read` ask for a temporary; returns it. */
  readable(tensor: Tensor): Tensor {
    this.#readable.add(tensor.name);
    return tensor;
  }

  /** @param options.fuse false leaves the ops as they were listed: a test compares the two */
  finish(options: { fuse?: boolean } = {}): Plan {
    this.#checkOrder();
    const listed = dropUnread(this.#ops, this.#repeated);
    const ops = options.fuse === false ? listed : fuseOps(listed, this.#readable);
    return {
      ops,
      tensors: this.#tensors,
      parameters: this.layout(),
      constants: this.#constants,
      parameterCount: this.#parameterCount,
      readable: this.#readable,
    };
  }

  /** A temporary that is read before it is written would hold another tensor's values. */
  #checkOrder(): void {
    const written = new Set<Tensor>();
    for (const { kernel, inputs, outputs } of this.#ops) {
      const unwritten = [...inputs, ...(kernel.inPlace ? outputs : [])].find(
        (t) => t.role === 'temporary' && !written.has(t),
      );
      if (unwritten) throw defect(`${kernel.name} reads ${unwritten.name} before anything writes it`);
      for (const output of outputs) written.add(output);
    }
  }

  #tensor(
    name: string,
    shape: readonly number[],
    dtype: DType,
    role: Tensor['role'],
    { offset = 0, kind }: { offset?: number; kind?: Tensor['kind'] | undefined } = {},
  ): Tensor {
    if (this.#names.has(name)) throw defect(`two tensors are named ${name}`);
    if (!shape.every((size) => Number.isSafeInteger(size) && size > 0))
      throw defect(`${name} has the shape [${shape.join(', ')}]`);
    const own = { id: this.#tensors.length, name, shape: [...shape], dtype, role, offset };
    const tensor: Tensor = kind ? { ...own, kind } : own;
    this.#names.add(name);
    this.#tensors.push(tensor);
    return tensor;
  }

  #freeName(name: string): string {
    if (!this.#names.has(name)) return name;
    let number = 2;
    while (this.#names.has(`${name}.${number}`)) number++;
    return `${name}.${number}`;
  }

  #gradientSlice(parameter: Tensor): Tensor {
    const known = this.#gradients.get(parameter);
    if (known) return known;
    const slice = this.#tensor(`d(${parameter.name})`, parameter.shape, 'f32', 'gradient', {
      offset: parameter.offset,
    });
    this.#gradients.set(parameter, slice);
    return slice;
  }

  #flatVectors(): { parameters: Tensor; gradients: Tensor } {
    this.#flat ??= {
      parameters: this.#tensor('parameters', [this.#parameterCount], 'f32', 'parameter'),
      gradients: this.#tensor('gradients', [this.#parameterCount], 'f32', 'gradient'),
    };
    return this.#flat;
  }
}

function sameType(a: { shape: readonly number[]; dtype: DType }, b: Tensor): boolean {
  return (
    a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis])
  );
}

function describe(tensor: { shape: readonly number[]; dtype: DType }): string {
  return `${tensor.dtype}[${tensor.shape.join(', ')}]`;
}

/** A program that was listed wrongly: a defect of ours, never of a user. */
export function defect(message: string): LoomError {
  return new LoomError('internal', message, { where: 'plan' });
}

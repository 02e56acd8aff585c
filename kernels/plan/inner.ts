// Lists another kernel inside the dispatches of an op: over slices of whole rows, which exist only there, and with scratch that
// one inner op after another uses.

import type { Attributes, DeviceTraits, Dispatch, Kernel, Tensor } from './op.ts';
import { elementsOf } from './op.ts';

export class InnerOps {
  readonly dispatches: Dispatch[] = [];
  readonly #traits: DeviceTraits;
  readonly #scratch: (name: string, elements: number) => Tensor;
  readonly #known = new Map<string, Tensor>(); // scratch by name
  readonly #slices = new Map<Tensor, { tensor: Tensor; first: number }>();

  constructor(traits: DeviceTraits, scratch: (name: string, elements: number) => Tensor) {
    this.#traits = traits;
    this.#scratch = scratch;
  }

  /** Scratch that keeps its content until the same name is asked for again with at most as many elements. */
  scratch(name: string, shape: readonly number[]): Tensor {
    const elements = elementsOf(shape);
    const known = this.#known.get(name);
    const tensor = known && elementsOf(known.shape) >= elements ? known : this.#scratch(name, elements);
    this.#known.set(name, tensor);
    return this.#slice(tensor, 0, shape);
  }

  /** Rows of a matrix. @param first a multiple of 64, as is the width of a row or the number of rows before */
  rows(matrix: Tensor, first: number, rows: number): Tensor {
    const width = matrix.shape[1]!;
    return this.#slice(matrix, first * width, [rows, width]);
  }

  /** Lists the dispatches of a kernel over tensors, slices and scratch. */
  list(kernel: Kernel, inputs: readonly Tensor[], outputs: readonly Tensor[], attributes: Attributes = {}): void {
    const scratch = (name: string, elements: number) => this.scratch(`${kernel.name} ${name}`, [elements]);
    const op = { kernel, inputs, outputs, attributes };
    this.add(...kernel.dispatches(op, this.#traits, scratch));
  }

  /** Lists dispatches over tensors, slices and scratch. */
  add(...dispatches: readonly Dispatch[]): void {
    for (const dispatch of dispatches) {
      this.dispatches.push({ ...dispatch, bindings: dispatch.bindings.map((binding) => this.#resolve(binding)) });
    }
  }

  #slice(tensor: Tensor, first: number, shape: readonly number[]): Tensor {
    const slice: Tensor = { ...tensor, shape };
    this.#slices.set(slice, { tensor, first });
    return slice;
  }

  #resolve(binding: Dispatch['bindings'][number]): Dispatch['bindings'][number] {
    const slice = this.#slices.get(binding.tensor);
    if (!slice) return binding;
    const { first = 0, elements = elementsOf(binding.tensor.shape) } = binding.range ?? {};
    return { ...binding, tensor: slice.tensor, range: { first: slice.first + first, elements } };
  }
}

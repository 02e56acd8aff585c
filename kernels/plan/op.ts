// The seam every kernel family is written against. A plan lists ops over tensors once; an op knows its output shapes, its
// adjoint, how to run on WebGPU (dispatches) and how to run in plain TypeScript (the reference, also the CPU backend).
// Tensors are dense, row-major, f32 or u32; f16 where a device stores an f32 so (halves.ts). Nothing here allocates per step.

import type { TileChoices } from './tile-choice.ts';
import type { Wasm } from '../wasm/wasm.ts';

export type DType = 'f32' | 'u32' | 'f16';

/** A value of a plan. Handles only: storage is decided when the plan is compiled. */
export interface Tensor {
  readonly id: number;
  readonly name: string; // unique in its plan; what errors and `read` use
  readonly shape: readonly number[];
  readonly dtype: DType;
  /**
   * input: written by the caller before a run. parameter: a slice of the flat parameter vector. gradient: the matching
   * slice of the flat gradient vector. state: kept between runs, zero at first. constant: written once, when the plan is
   * compiled. temporary: lives inside one run.
   */
  readonly role: 'input' | 'parameter' | 'gradient' | 'state' | 'constant' | 'temporary';
  /** Elements into the flat vector for `parameter` and `gradient`; 0 for every other role. */
  readonly offset: number;
  /** The output of an op that a model lists, or the gradient of the loss by one: what a device may store as f16. */
  readonly kind?: 'activation' | 'gradient';
}

/** The number of elements of a shape; 1 for a scalar, []. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of so many elements of a tensor where it is stored: whole words, so that f16 of an odd length can be bound. */
export function bytesOf({ dtype }: Pick<Tensor, 'dtype'>, elements: number): number {
  return 4 * Math.ceil(dtype === 'f16' ? elements / 2 : elements);
}

export type Attributes = Readonly<Record<string, number | string | boolean>>;

/** One line of a plan. `outputs` are written whole, unless the kernel is `inPlace`. */
export interface Op {
  readonly kernel: Kernel;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
}

/** One tensor at one binding of a dispatch. The access is the one it has in the WGSL: read = storage read, write = read_write. */
export interface Binding {
  readonly number: number; // of group 0
  readonly tensor: Tensor;
  readonly access: 'read' | 'write';
  /** What the WGSL can have there as f16; absent: nothing. */
  readonly half?: 'activations' | 'activations and gradients';
  /** Binds only `elements` from element `first` (a multiple of 64) on: how a kernel keeps under maxBindingBytes. */
  readonly range?: { readonly first: number; readonly elements: number };
}

/** One dispatch of a compute pass. `dispatch` in dispatch.ts makes one from a generated module without binding numbers. */
export interface Dispatch {
  readonly label: string;
  readonly code: string; // a whole WGSL module, as it lies on disk
  readonly entryPoint: string;
  readonly constants: Readonly<Record<string, number>>; // override constants
  readonly bindings: readonly Binding[];
  readonly workgroups: readonly [number, number, number];
}

/** Typed views of an op's tensors, for the reference. */
export type View = Float32Array | Uint32Array;

/** Limits and features a kernel may look at when it chooses its dispatches. */
export interface DeviceTraits {
  readonly isCpu: boolean; // a software adapter: no workgroup memory, no barriers
  readonly maxBindingBytes: number;
  readonly maxWorkgroups: number; // per dimension
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly features: ReadonlySet<string>;
  /** 16 x 16 x 16 from f16 to f32, by subgroups of 32. */
  readonly subgroupMatrices?: boolean;
  /** Choices that the autotuner measured on this adapter, by class of products; it may grow between two plans. */
  readonly tuning?: TileChoices;
  /** Tensors may be f16 (halves.ts), and products read them as they are or round their operands for subgroup matrices; absent: f32. */
  readonly halfProducts?: 'plain' | 'matrices';
}

/** What an adjoint may do: list more ops, ask for temporaries, and add into the gradient of an input. */
export interface AdjointBuilder {
  temporary(name: string, shape: readonly number[], dtype?: DType): Tensor;
  op(kernel: Kernel, inputs: readonly Tensor[], outputs: readonly Tensor[], attributes?: Attributes): void;
  /** The gradient of the loss by an output of the op, or null when nothing depends on it. */
  gradientOf(output: Tensor): Tensor | null;
  /**
   * The tensor a kernel writes the gradient of `input` to; null when nobody needs it (inputs). When several ops
   * contribute to one tensor, the builder makes the sum: a kernel always writes its own contribution whole.
   */
  contribute(input: Tensor): Tensor | null;
  /** Says that the gradient of `input` is `gradient` itself, unchanged and of the same shape: no op, no copy (residual add). */
  pass(input: Tensor, gradient: Tensor): void;
}

/**
 * A faster way than the reference for the CPU backend. The views lie in `wasm.memory`, so that `view.byteOffset` is the
 * pointer that `wasm`'s functions take.
 */
export interface CpuPath {
  /** f32 elements of scratch that `run` uses; its content is undefined at the start. Absent: none. */
  scratch?(op: Op): number;
  run(inputs: readonly View[], outputs: readonly View[], op: Op, wasm: Wasm, scratch: Float32Array): void;
}

/** A kernel family member. Pure description: no state, no device. */
export interface Kernel {
  readonly name: string;
  /** Outputs are read and changed rather than written whole (optimizers): listed with `PlanBuilder.update`. */
  readonly inPlace?: true;
  /** Checks shapes and attributes, and returns the shapes of the outputs. Throws LoomError `internal` naming the op. */
  infer(inputs: readonly Tensor[], attributes: Attributes): readonly { shape: readonly number[]; dtype: DType }[];
  /**
   * Lists the WebGPU dispatches, the same whether tensors are f32 or f16. `scratch` gives a temporary that lives only within this op
   * (split-K partials, …); it also serves where the WGSL wants a buffer that is not used, as an activation there would stay f32.
   */
  dispatches(op: Op, traits: DeviceTraits, scratch: (name: string, elements: number) => Tensor): Dispatch[];
  /**
   * The plain TypeScript reference; inputs are not changed, outputs are written whole. Compute in plain numbers and
   * never round with Math.fround: tests run it on Float64Array views to take finite differences.
   */
  reference(inputs: readonly View[], outputs: readonly View[], op: Op): void;
  /** The CPU backend's fast path, compared with the reference in the tests. */
  cpu?: CpuPath;
  /**
   * One op that also does the work of a later one, `next`, which reads an output or an input of `op` (a bias, an activation, a
   * residual in a product's store); null when the kernel has no such thing. Called when the plan is finished, adjoints and all.
   * @param isNeeded whether anything but `next` reads a tensor: an output that nothing else needs can be left out
   */
  fuse?(op: Op, next: Op, isNeeded: (tensor: Tensor) => boolean): Op | null;
  /** Lists the ops that carry gradients from the outputs to the inputs. Absent: the op has no gradient. */
  adjoint?(op: Op, builder: AdjointBuilder): void;
}

// One seam for every place a plan can run: WebGPU in a page, WebGPU in Node (Dawn), and the CPU backend. A program is a
// compiled plan: buffers, pipelines and bind groups are made once; `run` re-encodes one list of dispatches.

import type { DeviceTraits } from '../plan/op.ts';
import type { TileChoice } from '../plan/tile-choice.ts';
import type { Plan } from '../plan/plan.ts';
import type { TuningKey } from '../tune/table.ts';

export interface DeviceInfo {
  readonly kind: 'webgpu' | 'cpu';
  readonly adapter: string; // for people: 'NVIDIA H100', 'SwiftShader (software)', 'CPU (WASM SIMD)'
  readonly isSoftware: boolean; // CPU backend, or a WebGPU adapter without a GPU behind it
}

/** Exact counts since the program was made; tests hold them. */
export interface Counters {
  dispatches: number;
  submits: number;
  buffersCreated: number;
  bufferBytes: number; // of all buffers made, staging included
  bindGroupsCreated: number;
  bytesUploaded: number;
  bytesRead: number;
}

export function newCounters(): Counters {
  return {
    dispatches: 0,
    submits: 0,
    buffersCreated: 0,
    bufferBytes: 0,
    bindGroupsCreated: 0,
    bytesUploaded: 0,
    bytesRead: 0,
  };
}

export interface Program {
  readonly plan: Plan;
  readonly counters: Readonly<Counters>;
  /** Writes an input, a state, a parameter or a readable tensor whole. `data` has the tensor's element count and type. */
  write(tensor: string, data: Float32Array | Uint32Array): void;
  /** Writes the flat parameter vector, [plan.parameterCount]. */
  writeParameters(data: Float32Array): void;
  /** Runs every op once. Resolves when the work is submitted; at most two runs are in flight. */
  run(): Promise<void>;
  /** Reads an input, a state, a parameter, a gradient or a readable tensor after the runs so far. A copy, shape as in the plan. */
  read(tensor: string): Promise<Float32Array | Uint32Array>;
  /** Reads the flat parameter vector, [plan.parameterCount]. */
  readParameters(): Promise<Float32Array>;
  destroy(): void;
}

export interface CompileOptions {
  /** Programs that share use one set of parameter and state buffers, so that training and evaluation see the same weights. */
  readonly shareWith?: Program;
  /** False gives every temporary storage of its own: a test compares the two. Default true. */
  readonly reuseMemory?: boolean;
  /**
   * f16, on GPUs that have shader-f16: activations and their gradients are stored as f16 where all who read them can (halves.ts), and
   * products sum in f32, on subgroup matrices of f16 where there are some; parameters, their gradients, the residual stream and all
   * else stay f32, and so does everything on other devices. Default f32.
   */
  readonly precision?: 'f32' | 'f16';
}

export interface Device {
  readonly info: DeviceInfo;
  /** What the autotuner knows of this adapter; plans compiled later use what is added to `choices`. Absent: nothing to choose. */
  readonly tuning?: {
    readonly key: TuningKey;
    readonly choices: Map<string, TileChoice>;
    readonly traits: DeviceTraits;
  };
  /** Resolves with a reason when the device goes away; never rejects. */
  readonly lost: Promise<string>;
  /** Compiles a plan: buffers, pipelines and bind groups are made here and never again. */
  compile(plan: Plan, options?: CompileOptions): Promise<Program>;
  destroy(): void;
}

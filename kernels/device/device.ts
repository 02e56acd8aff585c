// One seam for every place a plan can run: WebGPU in a page, WebGPU in Node (Dawn), and the CPU backend. A program is a
// compiled plan: buffers, pipelines and bind groups are made once; `run` re-encodes one list of dispatches.

import type { Plan } from '../plan/plan.ts';

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
  bindGroupsCreated: number;
  bytesUploaded: number;
  bytesRead: number;
}

export interface Program {
  readonly plan: Plan;
  readonly counters: Readonly<Counters>;
  /** Writes an input, a state tensor or one parameter whole. `data` has the tensor's element count. */
  write(tensor: string, data: Float32Array | Uint32Array): void;
  /** Writes the flat parameter vector, [plan.parameterCount]. */
  writeParameters(data: Float32Array): void;
  /** Runs every op once. Resolves when the work is submitted; at most two runs are in flight. */
  run(): Promise<void>;
  /** Reads a tensor after the runs so far. Copy, shape as in the plan. */
  read(tensor: string): Promise<Float32Array | Uint32Array>;
  /** Reads the flat parameter vector, [plan.parameterCount]. */
  readParameters(): Promise<Float32Array>;
  destroy(): void;
}

export interface Device {
  readonly info: DeviceInfo;
  /** Resolves with a reason when the device goes away; never rejects. */
  readonly lost: Promise<string>;
  /**
   * Compiles a plan. Programs made with the same `shareWith` use one set of parameter and state buffers, so that a
   * training plan and an evaluation plan see the same weights.
   */
  compile(plan: Plan, options?: { shareWith?: Program }): Promise<Program>;
  destroy(): void;
}

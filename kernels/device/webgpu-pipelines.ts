// Compute pipelines of one GPU device, made once for each (code, entry point, constants) and compiled in the background.

import { LoomError } from '../../shared/errors.ts';
import type { Binding, Dispatch } from '../plan/op.ts';
import { guarded } from './webgpu-errors.ts';
import { shaderStageCompute } from './webgpu-flags.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export class PipelineCache {
  readonly #gpu: GPUDevice;
  readonly #modules = new Map<string, GPUShaderModule>(); // by code
  readonly #layouts = new Map<string, GPUBindGroupLayout>(); // by binding numbers and accesses
  readonly #pipelines = new Map<string, Promise<Pipeline>>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** The pipeline of a dispatch. Rejects with LoomError `internal` and the compiler's message when the WGSL is wrong. */
  get(dispatch: Dispatch): Promise<Pipeline> {
    const { code, entryPoint, constants } = dispatch;
    const key = `${entryPoint} ${JSON.stringify(constants)} ${code}`;
    const known = this.#pipelines.get(key) ?? this.#make(dispatch);
    this.#pipelines.set(key, known);
    return known;
  }

  async #make({ label, code, entryPoint, constants, bindings }: Dispatch): Promise<Pipeline> {
    try {
      const { layout, module } = await guarded(this.#gpu, () => ({
        layout: this.#layout(bindings),
        module: this.#module(label, code),
      }));
      const pipeline = await this.#gpu.createComputePipelineAsync({
        label,
        layout: this.#gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint, constants },
      });
      return { pipeline, layout };
    } catch (cause) {
      throw new LoomError('internal', `${label}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }

  #module(label: string, code: string): GPUShaderModule {
    const module = this.#modules.get(code) ?? this.#gpu.createShaderModule({ label, code });
    this.#modules.set(code, module);
    return module;
  }

  #layout(bindings: readonly Binding[]): GPUBindGroupLayout {
    const key = bindings.map(({ number, access }) => `${number}${access}`).join();
    const layout = this.#layouts.get(key) ?? this.#gpu.createBindGroupLayout({ entries: bindings.map(layoutEntry) });
    this.#layouts.set(key, layout);
    return layout;
  }
}

function layoutEntry({ number, access }: Binding): GPUBindGroupLayoutEntry {
  const type = access === 'read' ? 'read-only-storage' : 'storage';
  return { binding: number, visibility: shaderStageCompute, buffer: { type } };
}

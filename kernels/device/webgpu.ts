// WebGPU behind the device seam: asks an adapter for all it has, describes it to the kernels, and compiles plans.
// Where the GPU object comes from (a page or Dawn) is the caller's business.

import { LoomError } from '../../shared/errors.ts';
import { storeHalves, traitsOf } from '../plan/halves.ts';
import type { DeviceTraits } from '../plan/op.ts';
import type { TileChoice } from '../plan/tile-choice.ts';
import type { Plan } from '../plan/plan.ts';
import { tuningKey } from '../tune/table.ts';
import { adapterName, isSoftware } from './adapter.ts';
import type { CompileOptions, Device } from './device.ts';
import type { GpuContext } from './webgpu-context.ts';
import { PipelineCache } from './webgpu-pipelines.ts';
import { layOutPlan } from './webgpu-layout.ts';
import { WebGpuProgram } from './webgpu-program.ts';

export type WebGpuResult = { readonly device: Device } | { readonly reason: string };

const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

const matrixFeature = 'chromium-experimental-subgroup-matrix';
const wantedFeatures: readonly string[] = ['shader-f16', 'subgroups', 'timestamp-query', matrixFeature];

/**
 * Opens the best adapter of a GPU object.
 * @param traits replaces what the device says of itself: tests run a GPU's kernels on a software adapter this way
 * @returns the device, or one sentence why there is none
 */
export async function openWebGpu(gpu: GPU, traits: Partial<DeviceTraits> = {}): Promise<WebGpuResult> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return { reason: 'WebGPU has no adapter here' };
  const requiredLimits = Object.fromEntries(wantedLimits.map((limit) => [limit, adapter.limits[limit]]));
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  return { device: wrapDevice(device, adapter.info, { ...traitsOfDevice(device, adapter.info), ...traits }) };
}

function wrapDevice(gpu: GPUDevice, info: GPUAdapterInfo, traits: DeviceTraits): Device {
  const lost = gpu.lost.then(({ message, reason }) => message || `the GPU device was lost (${reason})`);
  const choices = new Map<string, TileChoice>();
  const tuning = { key: tuningKey(info, traits.features), choices, traits };
  const tuned = { ...traits, tuning: choices };
  const context: GpuContext = { gpu, traits: tuned, pipelines: new PipelineCache(gpu), failure: null };
  gpu.addEventListener('uncapturederror', ({ error }) => {
    context.failure ??= new LoomError('internal', `WebGPU: ${error.message}`);
  });
  void lost.then((reason) => (context.failure = new LoomError('device_lost', reason)));
  return {
    info: { kind: 'webgpu', adapter: adapterName(info), isSoftware: isSoftware(info) },
    tuning,
    lost,
    compile: (plan, options = {}) => compileOnGpu(context, plan, options),
    destroy: () => gpu.destroy(),
  };
}

async function compileOnGpu(context: GpuContext, plan: Plan, options: CompileOptions): Promise<WebGpuProgram> {
  if (context.failure) throw context.failure;
  const base = options.shareWith;
  if (base !== undefined && !(base instanceof WebGpuProgram)) {
    throw new LoomError('internal', 'a WebGPU program can share only with a WebGPU program');
  }
  const traits = traitsOf(options.precision ?? 'f32', context.traits);
  const stored = traits.halfProducts ? storeHalves(plan, traits) : plan;
  const layout = await layOutPlan({ ...context, traits }, stored, base, options.reuseMemory ?? true);
  return new WebGpuProgram(context, stored, layout);
}

/** What the kernels may know of a device. */
function traitsOfDevice({ limits, features }: GPUDevice, info: GPUAdapterInfo): DeviceTraits {
  return {
    isCpu: isSoftware(info),
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxWorkgroups: limits.maxComputeWorkgroupsPerDimension,
    subgroupMinSize: info.subgroupMinSize || 4,
    subgroupMaxSize: info.subgroupMaxSize || 128,
    features: new Set(features),
    subgroupMatrices: hasSubgroupMatrices(features, info),
  };
}

/** Dawn's experimental feature, not in the standard's types yet. */
interface WithMatrices {
  readonly subgroupMatrixConfigs?: Iterable<Readonly<Record<string, unknown>>>;
}

/** Whether subgroups are of 32 and multiply 16 x 16 x 16 from f16 to f32, which is what prelude/tile-matrices.wgsl is written for. */
function hasSubgroupMatrices(features: GPUSupportedFeatures, info: GPUAdapterInfo): boolean {
  if (!features.has(matrixFeature) || info.subgroupMinSize !== 32 || info.subgroupMaxSize !== 32) return false;
  const configs = [...((info as WithMatrices).subgroupMatrixConfigs ?? [])];
  return configs.some(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === 'f16' && resultComponentType === 'f32' && M === 16 && N === 16 && K === 16,
  );
}

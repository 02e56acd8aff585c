// Subgroup matrices for adapters that have none: prelude/tile-matrices.wgsl with what only Dawn's experimental feature knows written out,
// so that everything else about it is tested wherever there is shader-f16. Slow. A lane has half a row of a matrix of sums.

import { halfToggles, loadDawn } from '../device/dawn.ts';
import type { WebGpuResult } from '../device/webgpu.ts';
import { openWebGpu } from '../device/webgpu.ts';

export async function openEmulated(): Promise<WebGpuResult> {
  const gpu = await loadDawn(halfToggles);
  const requestAdapter = async (options?: GPURequestAdapterOptions) => emulating(await gpu.requestAdapter(options));
  return openWebGpu({ requestAdapter } as unknown as GPU, { isCpu: false, subgroupMatrices: true });
}

/** The adapter, whose devices compile other text than they are given. */
function emulating(adapter: GPUAdapter | null): Partial<GPUAdapter> | null {
  if (!adapter) return null;
  const { limits, features, info } = adapter;
  const requestDevice = async (wanted?: GPUDeviceDescriptor) => {
    const device = await adapter.requestDevice(wanted);
    const create = device.createShaderModule.bind(device);
    device.createShaderModule = (module) => create({ ...module, code: withoutMatrices(module.code) });
    return device;
  };
  return { limits, features, info, requestDevice };
}

const functions = `
fn emulated_multiply(lane: u32, of_a: u32, of_b: u32, sums: array<f32, 8>) -> array<f32, 8> {
  var result = sums;
  for (var p = 0u; p < 16; p++) {
    let value = f32(left[of_a + p * pitch + lane / 2]);
    for (var j = 0u; j < 8; j++) { result[j] += value * f32(right[of_b + p * pitch + lane % 2 * 8 + j]); }
  }
  return result;
}

fn emulated_store(lane: u32, at: u32, values: array<f32, 8>) {
  for (var j = 0u; j < 8; j++) { made[at + lane / 2 * made_pitch + lane % 2 * 8 + j] = values[j]; }
}
`;

export function withoutMatrices(code: string): string {
  if (!code.includes('subgroup_matrix')) return code;
  const plain = code
    .replace(/enable subgroups; enable chromium\w+; diagnostic\([^)]*\);/, '')
    .replace('subgroup_matrix_result<f32, 16, 16>', 'array<f32, 8>')
    .replaceAll(/subgroupMatrixLoad<.*_major>\(&\w+, (.*), pitch\)/g, '$1')
    .replace(/subgroupMatrixMultiplyAccumulate\(/, 'emulated_multiply(index % 32, ')
    .replace(/subgroupMatrixStore<row_major>\(&made, (.*), made_pitch\)/, 'emulated_store(index % 32, $1)');
  return plain + functions;
}

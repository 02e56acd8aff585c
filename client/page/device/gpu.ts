// What this browser can compute with, asked before anything is contributed. Only the name is kept: the trainer opens the
// device itself, in its own Worker.

import { adapterName } from '../../../kernels/device/adapter.ts';
import type { Gpu } from '../state.ts';

const slowly = 'so the work runs on the CPU, slowly.';

/** Never rejects: without WebGPU it says why, and what the visitor can do about it. */
export async function findGpu(scope: { navigator: { gpu?: GPU }; isSecureContext: boolean }): Promise<Gpu> {
  const missing = (why: string): Gpu => ({ state: 'missing', adapter: '', why });
  const { gpu } = scope.navigator;
  if (!scope.isSecureContext) return missing(`Browsers allow WebGPU only over https or on localhost, ${slowly}`);
  if (!gpu) return missing(`This browser has no WebGPU, ${slowly} A recent Chrome, Edge or Safari has it.`);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (adapter === null) return missing(`WebGPU finds no usable GPU on this device, ${slowly}`);
  return { state: 'ready', adapter: adapterName(adapter.info), why: '' };
}

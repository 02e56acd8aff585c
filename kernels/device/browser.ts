// WebGPU of a page or of its Worker.

import type { WebGpuResult } from './webgpu.ts';
import { openWebGpu } from './webgpu.ts';

/** Opens the browser's WebGPU device, or says in one sentence why there is none. Never rejects. */
export async function openBrowserGpu(): Promise<WebGpuResult> {
  if (typeof navigator === 'undefined' || !navigator.gpu) return { reason: 'this browser has no WebGPU' };
  try {
    return await openWebGpu(navigator.gpu);
  } catch (error) {
    return { reason: `WebGPU could not be opened: ${error instanceof Error ? error.message : String(error)}` };
  }
}

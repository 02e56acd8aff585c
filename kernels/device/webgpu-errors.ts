// Turns WebGPU's errors, which come later and elsewhere, into exceptions of the call that made them.

import { LoomError } from '../../shared/errors.ts';

/**
 * Runs synchronous WebGPU calls and waits for what the device says of them.
 * @throws LoomError `no_backend` when the device has not enough memory, `internal` when a call was wrong
 */
export async function guarded<T>(gpu: GPUDevice, work: () => T): Promise<T> {
  gpu.pushErrorScope('validation');
  gpu.pushErrorScope('out-of-memory');
  const attempt = attempted(work);
  const [memory, validation] = await Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]);
  if (memory) throw new LoomError('no_backend', `the program does not fit this GPU: ${memory.message}`);
  if (validation) throw new LoomError('internal', `WebGPU: ${validation.message}`);
  return attempt();
}

/** Runs work now, and returns or throws its outcome when called. */
function attempted<T>(work: () => T): () => T {
  try {
    const result = work();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

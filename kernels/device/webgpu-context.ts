// What the programs of one GPU device share.

import type { LoomError } from '../../shared/errors.ts';
import type { DeviceTraits } from '../plan/op.ts';
import type { PipelineCache } from './webgpu-pipelines.ts';

export interface GpuContext {
  readonly gpu: GPUDevice;
  readonly traits: DeviceTraits;
  readonly pipelines: PipelineCache;
  /** The device was lost, or an error came up that nobody waited for: every later call throws it. */
  failure: LoomError | null;
}

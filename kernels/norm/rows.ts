// What the norm and its gradient have in common: attributes, and who takes a row.

import { norm as rowWgsl } from '../generated/norm.ts';
import { normTiled as tiledWgsl } from '../generated/norm-tiled.ts';
import { linearWorkgroups } from '../plan/dispatch.ts';
import type { DeviceTraits } from '../plan/op.ts';

export type NormAttributes = {
  readonly centred: boolean; // true: LayerNorm, false: RMSNorm
  readonly epsilon: number; // added to the variance
};

/** One workgroup a row on a GPU, one invocation a row on a software adapter, where barriers are slow. */
export function wgslFor(traits: DeviceTraits): typeof rowWgsl | typeof tiledWgsl {
  return traits.isCpu ? rowWgsl : tiledWgsl;
}

export function rowWorkgroups(rows: number, traits: DeviceTraits): [number, number, number] {
  return linearWorkgroups(rows, traits.isCpu ? 64 : 1, traits);
}

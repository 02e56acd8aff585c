// Whether a ring can add up on its way: where a segment of the sum follows from that segment of the payloads alone, and is no larger
// than they are. A sum of sparse differences is no longer sparse, and robust rules have to see whole contributions.

import { aggregationSettings } from './aggregation.ts';
import type { Manifest } from './manifest.ts';
import { topologySettings } from './topology.ts';

export function canAddUp({ topology, compression, aggregation, overlap }: Manifest['spec']['rounds']): boolean {
  const { kind, clipTensors } = aggregationSettings(aggregation);
  const isDense = compression === 'none' || compression === 'int8';
  const isRing = topologySettings(topology).kind === 'ring' && !overlap; // early work does not know who takes part in its round
  return isRing && isDense && kind === 'mean' && !clipTensors;
}

// Which topology suits a swarm, when its owner leaves that open: everyone with everyone while a worker's uplink carries that
// in a small part of a round, groups beyond, a tree of groups where there are many. Sizes have slack, so that a worker more
// or less does not turn the swarm over.

import type { TopologyKind, TopologySettings } from '../manifest/topology.ts';

export interface Measured {
  readonly workers: number;
  readonly payloadBytes: number; // of one contribution; 0 = not known yet
  readonly bytesPerSecond: number; // typical uplink; 0 = not known yet
  readonly roundMs: number; // typical round; 0 = not known yet
}

export interface Choice {
  readonly kind: TopologyKind;
  readonly groupSize: number;
  readonly branching: number;
}

const largestMesh = 16;
const smallestGroup = 4;
/** Part of a round that sending one's contribution to a group may take. */
const sendingShare = 0.25;
/** A topology that is in use stays until the swarm is so much smaller than where it would be chosen. */
const slack = 0.75;

export function chooseTopology(settings: TopologySettings, measured: Measured, current: TopologyKind | null): Choice {
  const { kind, groupSize, branching } = settings;
  if (kind !== 'auto') return { kind: measured.workers < 4 && kind !== 'ring' ? 'mesh' : kind, groupSize, branching };
  const size = Math.min(groupSize, affordableGroup(measured));
  return { kind: kindFor(measured.workers, size, current), groupSize: size, branching };
}

/** Workers that each can send its payload to within the share of a round. */
export function affordableGroup({ payloadBytes, bytesPerSecond, roundMs }: Measured): number {
  if (payloadBytes <= 0 || bytesPerSecond <= 0 || roundMs <= 0) return largestMesh;
  const copies = Math.floor((sendingShare * roundMs * bytesPerSecond) / (1000 * payloadBytes));
  return Math.max(smallestGroup, Math.min(largestMesh, copies + 1));
}

function kindFor(workers: number, size: number, current: TopologyKind | null): TopologyKind {
  const meshUntil = current === null || current === 'mesh' ? size : slack * size;
  if (workers <= meshUntil) return 'mesh';
  const groupsUntil = current === 'tree' ? slack * size * size : size * size;
  return workers <= groupsUntil ? 'groups' : 'tree';
}

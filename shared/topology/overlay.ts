// Who works with whom in a swarm. Workers are dealt into groups; an overlay is a tree of nodes above them: a leaf is a group
// whose members exchange what they trained, an inner node is a meeting of a few members of each of its children. In a node
// that folds, the members make one payload of all that came in, so that nobody ever pulls more than a node's worth.
// Pure: the same members, settings and seed give the same overlay.

import { createRandom, shuffled } from '../random.ts';
import type { TopologyKind } from '../manifest/topology.ts';

export interface Overlay {
  readonly kind: TopologyKind;
  readonly groups: readonly (readonly string[])[]; // worker ids
  readonly branching: number; // of a tree
  readonly since: number; // round in which the groups were dealt
}

export interface OverlayNode {
  readonly members: readonly string[];
  readonly children: readonly number[]; // indices of nodes; none in a leaf
  readonly folds: boolean;
}

/** Members of a node that also sit in the node above it: two, so that one may vanish. */
const envoys = 2;

/** Deals workers into groups of about `size`, none below two, in an order that the seed decides. */
export function deal(ids: readonly string[], size: number, ...seed: readonly number[]): string[][] {
  const count = Math.max(1, Math.min(Math.round(ids.length / size), Math.floor(ids.length / 2)));
  const groups = Array.from({ length: count }, (): string[] => []);
  shuffled(ids, createRandom(...seed)).forEach((id, index) => groups[index % count]!.push(id));
  return groups;
}

/** The groups with a newcomer in the smallest one, or in a new one if that has `capacity` members already. */
export function placed(groups: readonly (readonly string[])[], id: string, capacity: number): (readonly string[])[] {
  const smallest = groups.reduce((best, group, index) => (group.length < groups[best]!.length ? index : best), 0);
  if (groups.length === 0 || groups[smallest]!.length >= capacity) return [...groups, [id]];
  return groups.map((group, index) => (index === smallest ? [...group, id] : group));
}

/** The nodes of an overlay: the leaves first, in the order of the groups, then level by level; the top is last. */
export function nodesOf({ kind, groups, branching }: Overlay, isPresent: (id: string) => boolean): OverlayNode[] {
  const folds = (kind === 'groups' || kind === 'tree') && groups.length > 1;
  const nodes: OverlayNode[] = groups.map((members) => ({ members, children: [], folds }));
  const width = kind === 'groups' ? Math.max(2, nodes.length) : Math.max(2, branching);
  for (let from = 0; nodes.length - from > 1;) {
    const level = nodes.slice(from).map((_, index) => from + index);
    from = nodes.length;
    for (const children of chunks(level, width)) {
      const members = children.flatMap((child) => nodes[child]!.members.filter(isPresent).slice(0, envoys));
      nodes.push({ members, children, folds: kind === 'tree' });
    }
  }
  return nodes;
}

/** In parts of `width`, the last two evened out so that none holds a single one. */
function chunks<T>(items: readonly T[], width: number): T[][] {
  const count = Math.ceil(items.length / width);
  return Array.from({ length: count }, (_, index) =>
    items.slice(Math.floor((index * items.length) / count), Math.floor(((index + 1) * items.length) / count)),
  );
}

/** Whom each worker is linked with, itself included. In a ring those before and after it, elsewhere all of its nodes. */
export function neighbourhoods(overlay: Overlay, isPresent: (id: string) => boolean): Map<string, Set<string>> {
  const linked = new Map<string, Set<string>>();
  const link = (id: string, others: readonly string[]): void => {
    const known = linked.get(id) ?? new Set([id]);
    for (const other of others) known.add(other);
    linked.set(id, known);
  };
  for (const { members } of nodesOf(overlay, isPresent)) {
    const present = members.filter(isPresent);
    present.forEach((id, index) => link(id, overlay.kind === 'ring' ? beside(present, index) : present));
  }
  return linked;
}

function beside(ring: readonly string[], index: number): string[] {
  return [ring.at(index - 1)!, ring[(index + 1) % ring.length]!];
}

// Which contributions of a group are safe, and what it still waits for. A contribution is accepted only while it is safe: two
// participants that are present hold its payload, or every participant the round waits for does. Nothing here changes anything.

import type { AcceptedContribution, Assignment } from '../../protocol/messages.ts';
import type { OpenRound, Part, RoomState, RoundNode } from '../types.ts';
import { contributionOf, holdersAmong, isActive, isUpToDate, liveParts } from '../views.ts';

type Standing = 'complete' | 'safe' | 'waiting';

/** Complete: everyone the group waits for has committed, and has every payload that can still be had. Safe: nothing can get lost. */
export function standingOf(state: RoomState, open: OpenRound, node: RoundNode, live: readonly Part[]): Standing {
  if (live.length === 0) return liveParts(state, open).length > 0 ? 'complete' : 'waiting';
  if (live.some((part) => part.commit === null)) return 'waiting';
  const obtainable = node.members.filter((id) => isObtainable(state, open, node, id)).length;
  const hasAll = obtainable > 0 && live.every((part) => part.received.length === obtainable);
  if (hasAll && open.revealedAt === null) return 'complete';
  const safe = new Set(available(state, open, node).map(({ hash }) => hash));
  if (!live.every((part) => safe.has(part.commit!.hash))) return 'waiting'; // also of those who came too late to commit
  return hasAll ? 'complete' : 'safe';
}

function isObtainable(state: RoomState, open: OpenRound, node: RoundNode, id: string): boolean {
  const part = open.parts[id];
  if (part === undefined || part.commit === null) return false;
  const authorHasIt = state.members[id]?.present === true && part.received.includes(part.commit.hash);
  return authorHasIt || holdersAmong(state, open, node.members, part.commit.hash).length > 0;
}

/** The group's participants that the round waits for. */
export function liveIn(state: RoomState, open: OpenRound, node: RoundNode): Part[] {
  const live = node.members.filter((id) => isActive(state.members[id]) && isUpToDate(state, state.members[id]));
  const parts = live.flatMap((id) => open.parts[id] ?? []).filter(({ voice }) => voice !== 'silent');
  return open.revealedAt === null ? parts : parts.filter(({ commit }) => commit !== null); // a later one is not taken
}

/** A group's contributions that are safe, in the order of application. */
export function available(state: RoomState, open: OpenRound, node: RoundNode): AcceptedContribution[] {
  const committed = node.members.filter((id) => open.parts[id]?.commit);
  const safe = committed.filter((id) => isAvailable(state, open, node, open.parts[id]!.commit!.hash));
  return inApplyingOrder(open, safe).map((id) => contributionOf(open, id));
}

export function inApplyingOrder({ parts }: OpenRound, ids: readonly string[]): string[] {
  return ids.toSorted((a, b) => inOrder(parts[a]!.assignment, parts[b]!.assignment));
}

/** The older the state that work began from, the earlier it is applied. */
function inOrder(a: Assignment, b: Assignment): number {
  return a.round - b.round || a.slot - b.slot;
}

export function isAvailable(state: RoomState, open: OpenRound, node: RoundNode, hash: string): boolean {
  const holders = holdersAmong(state, open, node.members, hash).length;
  if (holders !== 1) return holders >= 2;
  const hasIt = (part: Part): boolean => part.received.includes(hash);
  return liveIn(state, open, node).every(hasIt) && liveParts(state, open).every(hasIt);
}

export function neededOf({ manifest }: RoomState, live: number): number {
  return Math.max(1, Math.ceil(manifest.spec.rounds.quorum * live));
}

export function openGroups(open: OpenRound): [number, RoundNode][] {
  const nodes = Object.entries(open.nodes).map(([key, node]): [number, RoundNode] => [Number(key), node]);
  return nodes.filter(([, node]) => node.children.length === 0 && node.inputs === null);
}

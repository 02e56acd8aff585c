// Groups make one payload of what their members contributed, meetings of groups one of what the groups made. The members of
// a node each do it for themselves and must get the same bytes: what most of them report counts. A node that does not get
// that far in time does without, and the round takes what lies below it as it is: folding saves bytes, never decides.

import { median } from '../../median.ts';
import type { AcceptedContribution, WorkerMessage } from '../../protocol/messages.ts';
import { maxApplied, maxFoldMs, minFoldMs } from '../limits.ts';
import { addsUp, isBeingAdded, noteJoined, remindToAdd, watchAdding } from './add.ts';
import { changeNode, refuse, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, RoomState, RoundNode } from '../types.ts';
import { isActive, isUpToDate } from '../views.ts';

type Folded = Extract<WorkerMessage, { type: 'folded' }>;

/** Begins to fold what came in at a node, unless that is one payload or none, or more than its members can fetch. */
export function startFold(turn: Turn, index: number, inputs: AcceptedContribution[]): void {
  const node = turn.state.open!.nodes[index]!;
  const isDone = !node.folds || inputs.length < 2 || inputs.length > maxApplied;
  changeNode(turn, index, { inputs, isDone, dueAt: turn.now + foldMs(turn.state) });
  if (!isDone) for (const id of node.members) askToFold(turn, id, index);
}

function askToFold(turn: Turn, id: string, node: number): void {
  const { round, nodes } = turn.state.open!;
  if (canFold(turn.state, id)) send(turn, id, { type: 'fold', round, node, inputs: nodes[node]!.inputs! });
}

/** Again, to one that came back. */
export function remindToFold(turn: Turn, id: string): void {
  for (const [index, node] of Object.entries(turn.state.open?.nodes ?? {})) {
    if (!isFolding(node) || !node.members.includes(id)) continue;
    if (isBeingAdded(node)) remindToAdd(turn, id, Number(index));
    else if (node.folders[id] === undefined) askToFold(turn, id, Number(index));
  }
}

export function isFolding(node: RoundNode): boolean {
  return node.inputs !== null && !node.isDone;
}

function canFold(state: RoomState, id: string): boolean {
  return isActive(state.members[id]) && isUpToDate(state, state.members[id]);
}

function foldMs({ recentRoundMs }: RoomState): number {
  const halfRoundMs = recentRoundMs.length === 0 ? 0 : median(recentRoundMs) / 2;
  return Math.min(maxFoldMs, Math.max(minFoldMs, halfRoundMs));
}

/** A member reports what it made. Whoever comes late still counts as one that has it. */
export function folded(turn: Turn, id: string, { round, node: index, hash, bytes }: Folded): void {
  const { open } = turn.state;
  if (round < turn.state.round || open === null) return;
  const node = open.round === round ? open.nodes[index] : undefined;
  if (node?.adding?.isOver === true) return;
  if (node === undefined || node.inputs === null || !node.folds || !node.members.includes(id)) {
    return refuse(turn, id, {
      code: 'conflict',
      message: `round ${round} did not ask this worker to fold node ${index}`,
    });
  }
  if (node.folders[id] !== undefined) return;
  turn.folds?.add(hash);
  changeNode(turn, index, { folders: { ...node.folders, [id]: hash } });
  decide(turn, index, bytes);
}

/** The hash that more than half of those awaited have made, two of them at least, is the node's payload. */
function decide(turn: Turn, index: number, bytes: number): void {
  const node = turn.state.open!.nodes[index]!;
  if (node.isDone) return;
  const awaited = node.members.filter((id) => node.folders[id] !== undefined || canFold(turn.state, id));
  for (const [hash, makers] of makersByHash(node)) {
    if (makers.length < 2 || makers.length <= awaited.length / 2) continue;
    if (commitsOf(turn).has(hash)) continue; // someone passes it off as its own work
    const tokens = node.inputs!.reduce((sum, input) => sum + input.tokens, 0);
    const folds = node.inputs!.reduce((sum, input) => sum + (input.folds ?? 1), 0);
    const fold = { workerId: makers[0]!, hash, bytes, tokens, folds };
    changeNode(turn, index, { isDone: !addsUp(node), fold });
    if (addsUp(node)) noteJoined(turn, index);
  }
}

/** Hashes committed and not yet accepted. Gathered once a turn, because a turn may take the messages of thousands. */
export function commitsOf(turn: Turn): Set<string> {
  const { open, ahead } = turn.state;
  const works = [...Object.values(open?.parts ?? {}), ...Object.values(ahead)];
  turn.commits ??= new Set(works.flatMap(({ commit }) => commit?.hash ?? []));
  return turn.commits;
}

function makersByHash(node: RoundNode): Map<string, string[]> {
  const makers = new Map<string, string[]>();
  for (const [id, hash] of Object.entries(node.folders)) makers.set(hash, [...(makers.get(hash) ?? []), id]);
  return makers;
}

/** Begins what can begin above nodes that are done, and gives up waiting where time is over or nobody is left to wait for. */
export function foldWhenReady(turn: Turn): void {
  const { open } = turn.state;
  if (open === null) return;
  for (const key of Object.keys(open.nodes)) {
    const index = Number(key);
    const { nodes } = turn.state.open!;
    const node = nodes[index]!;
    const isReady =
      node.inputs === null && node.children.length > 0 && node.children.every((child) => nodes[child]!.isDone);
    if (isReady)
      startFold(
        turn,
        index,
        node.children.flatMap((child) => frontier(turn.state, turn.state.open!, child)),
      );
    else if (isBeingAdded(node) && !node.isDone) watchAdding(turn, index);
    else if (isFolding(node) && isHopeless(turn, node)) changeNode(turn, index, { isDone: true });
  }
}

function isHopeless({ state, now }: Turn, node: RoundNode): boolean {
  const possible = node.members.filter((id) => node.folders[id] !== undefined || canFold(state, id));
  return now >= node.dueAt || possible.length < 2;
}

/** What a node contributes: its payload if that is safe with two members, else what lies below it. */
export function frontier(state: RoomState, open: OpenRound, index: number): AcceptedContribution[] {
  const node = open.nodes[index]!;
  if (isFoldSafe(state, node)) return [node.fold];
  if (node.children.length > 0) return node.children.flatMap((child) => frontier(state, open, child));
  return node.inputs ?? [];
}

/** The contributions that a node's payload was made of. */
export function leavesBelow(open: OpenRound, index: number): AcceptedContribution[] {
  const node = open.nodes[index]!;
  return node.children.length > 0 ? node.children.flatMap((child) => leavesBelow(open, child)) : (node.inputs ?? []);
}

/** The node above all others: it is the last one. */
export function topOf(open: OpenRound): number {
  return Object.keys(open.nodes).length - 1;
}

/** Two present members have the node's payload. */
export function isFoldSafe(state: RoomState, node: RoundNode): node is RoundNode & { fold: AcceptedContribution } {
  return node.fold !== null && foldHolders(state, node).length >= 2;
}

/** Present members that made a node's payload. */
export function foldHolders(state: RoomState, { fold, folders }: RoundNode): string[] {
  return Object.keys(folders).filter((id) => folders[id] === fold?.hash && state.members[id]?.present);
}

/** When the next node stops waiting. */
export function foldsDueAt(open: OpenRound): number[] {
  return Object.values(open.nodes).flatMap((node) => (isFolding(node) ? [node.dueAt] : []));
}

// Adding up: a ring's all-reduce. Every payload is cut into as many segments as there are participants. When all have committed,
// payload and pieces, each member adds up one segment (reduce-scatter), and when all sums are there, everyone joins them into the
// payload that a fold of the whole would be (all-gather): 2(n-1)/n of a payload for each worker up and down. The room names every
// piece and every sum by its hash, so all join the same bytes. Where it does not succeed in time, or someone vanishes, the node's
// payloads go to everyone as they are: nothing was lost, because their authors have them.

import { fnv1a } from '../../fnv.ts';
import { canAddUp } from '../../manifest/adding.ts';
import type { WorkerMessage } from '../../protocol/messages.ts';
import { createRandom } from '../../random.ts';
import { checkEvery, maxAdders, maxSetbackRounds, minAddMs, minAdders, settleMs } from '../limits.ts';
import { change, changeNode, changeOpen, refuse, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Adding, OpenRound, RoomState, RoundNode } from '../types.ts';
import { contributionOf, isUpToDate } from '../views.ts';

type Summed = Extract<WorkerMessage, { type: 'summed' }>;
type AddingNode = RoundNode & { adding: Adding };

// ---- Whether.

/** Whether rounds of these participants add up, so that all need links to all. */
export function couldAddUp({ manifest, members }: RoomState, participants: readonly string[]): boolean {
  const isFit = participants.length >= minAdders && participants.length <= maxAdders;
  return isFit && canAddUp(manifest.spec.rounds) && participants.every((id) => (members[id]?.version ?? 0) >= 3);
}

/** How a round of these participants adds up; null where it does not. */
export function addingOf(state: RoomState, participants: readonly string[]): Adding | null {
  if (!couldAddUp(state, participants) || state.round < state.setbacks.until) return null;
  return { segments: participants.length, owners: [], sums: {}, check: null, wrong: [], isOver: false };
}

/** Until it has succeeded or was given up. */
export function addsUp(node: RoundNode): node is AddingNode {
  return node.adding !== undefined && !node.adding.isOver;
}

/** Members are at it: no more work goes in. */
export function isBeingAdded(node: RoundNode): node is AddingNode {
  return addsUp(node) && node.inputs !== null;
}

/** Nobody is shown yet what others committed. */
export function isAddingUp({ nodes }: OpenRound): boolean {
  return Object.values(nodes).some(addsUp);
}

// ---- Asking.

/** Asks each of these authors for one segment of what they all committed. @param authors in the order of application */
export function startAdding(turn: Turn, index: number, authors: readonly string[]): void {
  const able = authors.filter((id) => canServe(turn.state, id));
  if (able.length < 2) return stopAdding(turn, index);
  const { adding } = nodeOf(turn, index);
  const inputs = able.map((id) => contributionOf(turn.state.open!, id));
  const owners = Array.from({ length: adding.segments }, (_, segment) => able[segment % able.length]!);
  changeNode(turn, index, { inputs, folds: true, dueAt: dueAt(turn), adding: { ...adding, owners } });
  for (const id of able) remindToAdd(turn, id, index);
}

/** What a member was asked for and has not said yet: its segments, then the whole. */
export function remindToAdd(turn: Turn, id: string, index: number): void {
  const node = nodeOf(turn, index);
  for (let segment = 0; segment < node.adding.segments; segment++)
    if (isAwaited(node, segment, id)) askToSum(turn, id, index, segment);
  if (areSummed(node) && node.folders[id] === undefined) askToJoin(turn, id, index);
}

function askToSum(turn: Turn, id: string, index: number, segment: number): void {
  const { round, parts } = turn.state.open!;
  const { inputs, adding } = nodeOf(turn, index);
  const pieces = inputs!.map(({ workerId }) => parts[workerId]!.commit!.pieces![segment]!);
  send(turn, id, { type: 'sum', round, node: index, segment, segments: adding.segments, inputs: inputs!, pieces });
}

function askToJoin(turn: Turn, id: string, index: number): void {
  const node = nodeOf(turn, index);
  const sums = sumsOf(node).map((hash, segment) => ({ workerId: node.adding.owners[segment]!, hash: hash! }));
  send(turn, id, { type: 'join', round: turn.state.open!.round, node: index, folds: node.inputs!.length, sums });
}

// ---- Hearing.

/** A member has added up a segment. */
export function summed(turn: Turn, id: string, { round, node: index, segment, hash }: Summed): void {
  const node = turn.state.open?.round === round ? turn.state.open.nodes[index] : undefined;
  if (node?.adding?.isOver === true || round < turn.state.round) return;
  if (node === undefined || !isBeingAdded(node) || !askedFor(node, segment).includes(id)) {
    const message = `round ${round} did not ask this worker to add up segment ${segment}`;
    return refuse(turn, id, { code: 'conflict', message });
  }
  if (!isAwaited(node, segment, id)) return;
  const { adding } = node;
  const sums = { ...adding.sums, [segment]: { ...adding.sums[segment], [id]: hash } };
  changeNode(turn, index, { adding: { ...adding, sums } });
  changeOpen(turn, { progressAt: turn.now });
  if (adding.check?.segment === segment) judge(turn, index, segment);
  else if (areSummed(nodeOf(turn, index))) gather(turn, index);
}

/** All sums are there: everyone joins them, and now and then someone makes one of them again. */
function gather(turn: Turn, index: number): void {
  const { adding, members } = nodeOf(turn, index);
  changeNode(turn, index, { dueAt: dueAt(turn) });
  for (const id of members) if (canServe(turn.state, id)) askToJoin(turn, id, index);
  const random = createRandom(fnv1a(sumsOf(nodeOf(turn, index)).join()), turn.state.round); // nobody knows all sums before
  if (random.below(checkEvery) === 0) check(turn, index, random.below(adding.segments));
}

/** One more makes this sum again, as long as there is one. */
function check(turn: Turn, index: number, segment: number): void {
  const node = nodeOf(turn, index);
  const asked = askedFor(node, segment);
  const others = node.inputs!.map(({ workerId }) => workerId).filter((id) => !asked.includes(id));
  if (others.length === 0) return stopAdding(turn, index);
  const checker = others[createRandom(fnv1a(sumsOf(node).join()), asked.length).below(others.length)]!;
  const by = [...asked.slice(1), checker];
  changeNode(turn, index, { adding: { ...node.adding, check: { segment, by } } });
  askToSum(turn, checker, index, segment);
}

/** Two who come to the same bytes are right. Where the owner is not one of them the sum was false, and so is the whole. */
function judge(turn: Turn, index: number, segment: number): void {
  const node = nodeOf(turn, index);
  const said = Object.entries(node.adding.sums[segment]!);
  const right = said.map(([, hash]) => hash).find((hash, place, all) => all.indexOf(hash) !== place);
  if (right === undefined) return check(turn, index, segment);
  const wrong = said.flatMap(([id, hash]) => (hash === right ? [] : [id]));
  changeNode(turn, index, { adding: { ...node.adding, wrong } });
  if (wrong.includes(node.adding.owners[segment]!)) stopAdding(turn, index);
}

// ---- Ending.

/** Enough members have the whole: it is the node's payload, and others get a moment more to join it themselves. */
export function noteJoined(turn: Turn, index: number): void {
  const node = nodeOf(turn, index);
  changeOpen(turn, { progressAt: turn.now });
  if (isChecked(turn.state, node)) changeNode(turn, index, { dueAt: Math.min(node.dueAt, turn.now + settleMs) });
}

/** Ends when all have joined the sums, or at the latest when time is over; gives up when someone it depends on is gone. */
export function watchAdding(turn: Turn, index: number): void {
  const { state, now } = turn;
  const node = nodeOf(turn, index);
  const isLate = now >= node.dueAt;
  if (isSafe(state, node)) {
    const isWhole = node.members.every((id) => node.folders[id] !== undefined || !canServe(state, id));
    if (!isLate && !(isWhole && isChecked(state, node))) return;
    changeNode(turn, index, { isDone: true });
    change(turn, { setbacks: { count: 0, until: 0 } });
  } else if (isLate || node.adding.owners.some((id) => !canServe(state, id))) stopAdding(turn, index);
}

/** From here on the round is one in which payloads go to everyone as they are. */
export function stopAdding(turn: Turn, index: number): void {
  const { deadlineMs, givenMs } = turn.state.open!;
  const { adding, inputs } = nodeOf(turn, index);
  if (inputs !== null) noteSetback(turn);
  const nothing = { inputs: null, fold: null, folders: {}, folds: false };
  changeNode(turn, index, { ...nothing, adding: { ...adding, isOver: true } });
  changeOpen(turn, { noticeAt: turn.now, deadlineMs: Math.max(deadlineMs, turn.now + givenMs) });
}

function noteSetback(turn: Turn): void {
  const count = turn.state.setbacks.count + 1;
  const rounds = Math.min(maxSetbackRounds, 2 ** (count - 1));
  change(turn, { setbacks: { count, until: turn.state.round + 1 + rounds } });
}

// ---- Questions.

function nodeOf(turn: Turn, index: number): AddingNode {
  return turn.state.open!.nodes[index] as AddingNode;
}

/** It has its pieces, and those it was sent. */
function canServe(state: RoomState, id: string): boolean {
  const member = state.members[id];
  return member?.present === true && isUpToDate(state, member);
}

function dueAt({ state, now }: Turn): number {
  return now + Math.max(minAddMs, state.open!.givenMs);
}

/** Its owner, then those that check it. */
function askedFor({ adding: { owners, check } }: AddingNode, segment: number): string[] {
  return [owners[segment]!, ...(check?.segment === segment ? check.by : [])];
}

function isAwaited(node: AddingNode, segment: number, id: string): boolean {
  return askedFor(node, segment).includes(id) && node.adding.sums[segment]?.[id] === undefined;
}

/** What the owners made, by segment. */
function sumsOf({ adding: { owners, sums } }: AddingNode): (string | undefined)[] {
  return owners.map((owner, segment) => sums[segment]?.[owner]);
}

function areSummed(node: AddingNode): boolean {
  return sumsOf(node).every((hash) => hash !== undefined);
}

function isChecked(state: RoomState, { adding: { check, sums } }: AddingNode): boolean {
  return check === null || check.by.every((id) => sums[check.segment]?.[id] !== undefined || !canServe(state, id));
}

/** Two present members have the whole. */
function isSafe({ members }: RoomState, { fold, folders }: RoundNode): boolean {
  return Object.keys(folders).filter((id) => folders[id] === fold?.hash && members[id]?.present).length >= 2;
}

/** Who has which piece or sum of the open round, by hash. */
export function holdersOfParts({ parts, nodes }: OpenRound): [hash: string, workerId: string][] {
  const being = Object.values(nodes).filter(isBeingAdded);
  const pieces = Object.entries(parts).flatMap(([id, { commit }]) =>
    (commit?.pieces ?? []).map((hash): [string, string] => [hash, id]),
  );
  const sums = being.flatMap(({ adding }) =>
    Object.values(adding.sums).flatMap((made) =>
      Object.entries(made).map(([id, hash]): [string, string] => [hash, id]),
    ),
  );
  return being.length === 0 ? [] : [...pieces, ...sums];
}

// Closing a round: which contributions it accepts, and when it waits no longer. A contribution is accepted only while it
// is safe: two participants that are present hold its payload, or every participant the round waits for does. A group
// closes for itself as soon as it has everything; the round when all groups are done and, where they fold, have folded.

import { median } from '../../median.ts';
import type { AcceptedContribution, Assignment, ClosedRound } from '../../protocol/messages.ts';
import { addsUp, startAdding } from './add.ts';
import { keepUntaken } from './ahead.ts';
import { shardsOf } from '../verification/audit.ts';
import { spentKey } from './collect.ts';
import { foldWhenReady, isFoldSafe, leavesBelow, startFold, topOf } from './fold.ts';
import {
  maxExtensions,
  maxLossPoints,
  maxMisses,
  maxRestRounds,
  maxShareGraceMs,
  maxSpent,
  minShareGraceMs,
  recentRounds,
  settleMs,
} from '../limits.ts';
import { isMeasuring, passGate } from '../verification/measure.ts';
import { broadcast, change, changeMember, changeOpen, changePart, record } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { LossPoint, OpenRound, Part, RoomState, RoundNode } from '../types.ts';
import {
  hasAudits,
  holdersAmong,
  isActive,
  isUpToDate,
  isVerified,
  liveParts,
  readyMembers,
  contributionOf,
  staleness,
} from '../views.ts';

/** Closes groups, and the round with them, once all is in, or at the deadline with what is there; gives up if that is nothing. */
export function closeWhenDone(turn: Turn): void {
  const { state, now } = turn;
  const { open } = state;
  if (open === null || state.rejoining !== null) return;
  if (now >= open.deadlineMs) noteSilent(turn, open);
  addWhenCommitted(turn);
  settleGroups(turn, turn.state.open!);
  if (now >= turn.state.open!.deadlineMs || isForsaken(turn.state, turn.state.open!)) atDeadline(turn);
  foldWhenReady(turn);
  const { open: still } = turn.state;
  if (still !== null && still.nodes[topOf(still)]!.isDone) conclude(turn, still);
}

/**
 * With bounded staleness a round waits for a share of its workers only, and a moment for those that are as fast: what the others
 * do goes into the next one.
 */
export function closeWhenShared(turn: Turn): void {
  const { state, now } = turn;
  const { open } = state;
  if (open === null || state.rejoining !== null || staleness(state) === 0) return;
  const node = topOf(open);
  const list = available(state, open, open.nodes[node]!);
  const isEnough = list.length >= neededOf(state, liveParts(state, open).length);
  if (!isEnough) return void (open.shareAt !== null && changeOpen(turn, { shareAt: null }));
  if (open.shareAt === null) changeOpen(turn, { shareAt: now });
  if (now < shareDueAt(turn.state, turn.state.open!)) return;
  startFold(turn, node, list);
  conclude(turn, turn.state.open!);
}

/** When a round that has its share closes. */
export function shareDueAt({ recentRoundMs }: RoomState, { shareAt }: OpenRound): number {
  if (shareAt === null) return Infinity;
  const graceMs = recentRoundMs.length === 0 ? minShareGraceMs : median(recentRoundMs) / 8;
  return shareAt + Math.min(maxShareGraceMs, Math.max(minShareGraceMs, graceMs));
}

function neededOf({ manifest }: RoomState, live: number): number {
  return Math.max(1, Math.ceil(manifest.spec.rounds.quorum * live));
}

/**
 * Whoever trains hears of the others' payloads meanwhile and says so. A worker that says nothing of the round, though its socket is open, is
 * asleep or stuck: what only its author has counts then as safe, because nobody who is awake could still lack it.
 */
function noteSilent(turn: Turn, open: OpenRound): void {
  const isSpokenOf = Object.values(open.parts).some(({ isAnnounced }) => isAnnounced);
  if (!isSpokenOf) return;
  for (const [id, { commit, voice }] of Object.entries(open.parts)) {
    if (commit === null && voice === 'unheard') changePart(turn, id, { voice: 'silent' });
  }
}

/** Where the round adds up, that begins when everyone has committed, or at the deadline if enough have. */
function addWhenCommitted(turn: Turn): void {
  const { state, now } = turn;
  const open = state.open!;
  for (const [index, node] of openGroups(open)) {
    if (!addsUp(node)) continue;
    const live = liveIn(state, open, node);
    const committed = node.members.filter((id) => open.parts[id]?.commit);
    const isWhole = live.length > 0 && live.every(({ commit }) => commit !== null);
    const isDue = now >= open.deadlineMs || isForsaken(state, open);
    if (!isWhole && !isDue) continue;
    const authors = committed.length < neededOf(state, live.length) ? [] : committed;
    startAdding(turn, index, inApplyingOrder(open, authors));
  }
}

/** Closes the groups that have everything, or have had time to say so. */
function settleGroups(turn: Turn, open: OpenRound): void {
  let isSafe = true; // in every group that is still open
  for (const [key, node] of openGroups(open)) {
    if (addsUp(node)) continue;
    const live = liveIn(turn.state, open, node);
    const standing = standingOf(turn.state, open, node, live);
    if (standing === 'complete' || (standing === 'safe' && turn.now >= (open.settleAt ?? Infinity))) {
      startFold(turn, key, available(turn.state, open, node));
    } else isSafe &&= standing === 'safe';
  }
  noteSafe(turn, isSafe);
}

function openGroups(open: OpenRound): [number, RoundNode][] {
  const nodes = Object.entries(open.nodes).map(([key, node]): [number, RoundNode] => [Number(key), node]);
  return nodes.filter(([, node]) => node.children.length === 0 && node.inputs === null);
}

/** From now on only receipts are waited for, and not for ever: whoever never sends them must not hold up the round. */
function noteSafe(turn: Turn, isSafe: boolean): void {
  const { settleAt } = turn.state.open!;
  const quarterMs = turn.state.recentRoundMs.length === 0 ? 0 : median(turn.state.recentRoundMs) / 4;
  if (isSafe && settleAt === null) changeOpen(turn, { settleAt: turn.now + Math.max(settleMs, quarterMs) });
  else if (!isSafe && settleAt !== null) changeOpen(turn, { settleAt: null });
}

type Standing = 'complete' | 'safe' | 'waiting';

/** Complete: everyone the group waits for has committed, and has every payload that can still be had. Safe: nothing can get lost. */
function standingOf(state: RoomState, open: OpenRound, node: RoundNode, live: readonly Part[]): Standing {
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
function liveIn(state: RoomState, open: OpenRound, node: RoundNode): Part[] {
  const live = node.members.filter((id) => isActive(state.members[id]) && isUpToDate(state, state.members[id]));
  const parts = live.flatMap((id) => open.parts[id] ?? []).filter(({ voice }) => voice !== 'silent');
  return open.revealedAt === null ? parts : parts.filter(({ commit }) => commit !== null); // a later one is not taken
}

/** The round waits for nobody any more, but others are there to go on. */
function isForsaken(state: RoomState, open: OpenRound): boolean {
  return liveParts(state, open).length === 0 && readyMembers(state).length >= state.manifest.spec.resources.workers.min;
}

/** Takes what is there if that is enough, or gives more time. */
function atDeadline(turn: Turn): void {
  const { state, now } = turn;
  const open = state.open!;
  const late = openGroups(open);
  if (late.length === 0) return; // all are folding, which has its own time
  const live = liveParts(state, open);
  const inputs = late.map(([key, node]) => [key, available(state, open, node)] as const);
  const closed = Object.values(open.nodes).filter((node) => node.children.length === 0 && node.inputs !== null);
  const count = [...inputs.map(([, list]) => list), ...closed.map((node) => node.inputs!)].flat().length;
  const needed = neededOf(state, live.length);
  if (count < needed && live.length > 0 && open.extensions < maxExtensions) {
    return changeOpen(turn, { deadlineMs: now + open.givenMs, extensions: open.extensions + 1 });
  }
  if (count === 0) return giveUp(turn);
  for (const [key, list] of inputs) startFold(turn, key, list);
}

/** The same round opens again. */
function giveUp(turn: Turn): void {
  const { state } = turn;
  const isTired = liveParts(state, state.open!).length > 0;
  if (isTired) noteMisses(turn, state.open!);
  change(turn, { open: null, attempts: state.attempts + (isTired ? 1 : 0) });
}

/** A group's contributions that are safe, in the order of application. */
function available(state: RoomState, open: OpenRound, node: RoundNode): AcceptedContribution[] {
  const committed = node.members.filter((id) => open.parts[id]?.commit);
  const safe = committed.filter((id) => isAvailable(state, open, node, open.parts[id]!.commit!.hash));
  return inApplyingOrder(open, safe).map((id) => contributionOf(open, id));
}

function inApplyingOrder({ parts }: OpenRound, ids: readonly string[]): string[] {
  return ids.toSorted((a, b) => inOrder(parts[a]!.assignment, parts[b]!.assignment));
}

/** The older the state that work began from, the earlier it is applied. */
function inOrder(a: Assignment, b: Assignment): number {
  return a.round - b.round || a.slot - b.slot;
}

function isAvailable(state: RoomState, open: OpenRound, node: RoundNode, hash: string): boolean {
  const holders = holdersAmong(state, open, node.members, hash).length;
  if (holders !== 1) return holders >= 2;
  const hasIt = (part: Part): boolean => part.received.includes(hash);
  return liveIn(state, open, node).every(hasIt) && liveParts(state, open).every(hasIt);
}

/** What a round comes to: the payloads that workers apply, and the contributions that are in them. */
interface Outcome {
  applied: AcceptedContribution[];
  credited: AcceptedContribution[];
}

function outcomeOf(state: RoomState, open: OpenRound, index: number): Outcome {
  const node = open.nodes[index]!;
  if (isFoldSafe(state, node)) return { applied: [node.fold], credited: leavesBelow(open, index) };
  if (node.children.length > 0) {
    const below = node.children.map((child) => outcomeOf(state, open, child));
    return { applied: below.flatMap(({ applied }) => applied), credited: below.flatMap(({ credited }) => credited) };
  }
  const inputs = (node.inputs ?? []).filter(({ hash }) => isAvailable(state, open, node, hash));
  return { applied: inputs, credited: inputs };
}

function conclude(turn: Turn, open: OpenRound): void {
  if (isMeasuring(turn)) return;
  const { applied, credited } = outcomeOf(turn.state, open, topOf(open));
  if (!isVerified(turn.state)) return applied.length === 0 ? giveUp(turn) : close(turn, open, { applied, credited });
  const passed = passGate(turn, credited); // without groups that fold, both are the same
  if (passed.length === 0) giveUp(turn);
  else close(turn, turn.state.open!, { applied: passed, credited: passed });
}

function close(turn: Turn, open: OpenRound, { applied, credited }: Outcome): void {
  const { state, now } = turn;
  const closed: ClosedRound = { round: open.round, accepted: applied, stateHash: null, ...jointStep(state, open) };
  const credits = Object.fromEntries(credited.map(({ workerId, tokens }) => [workerId, tokens]));
  const spent = spentIn(open, credited);
  const point = lossPoint(state, open, credited, now);
  change(turn, {
    open: null,
    attempts: 0,
    round: open.round + 1,
    stateHash: null,
    agreement: { since: now, quorumAt: null },
    log: [...state.log, { ...closed, credits, spent: spent.length }],
    tokens: point.tokens,
    recentRoundMs: [...state.recentRoundMs, open.progressAt - open.openedAt - open.waitedMs].slice(-recentRounds),
    losses: thin([...state.losses, point]),
    shards: hasAudits(state) ? shardsOf(open) : [],
    spent: [...state.spent, ...spent].slice(-maxSpent),
    validationTokens: validationOf(open)?.tokens ?? state.validationTokens,
  });
  keepUntaken(turn, open, credits);
  credit(turn, credits, 1);
  slowDownLate(turn, open);
  noteMisses(turn, open);
  const late = Object.keys(open.parts).filter((id) => credits[id] === undefined);
  const { trainLoss, validationLoss } = point;
  const folds = applied.some((one) => one.folds !== undefined) ? { applied } : {};
  const step = { ...folds, ...jointStep(state, open) };
  record(turn, 'round.closed', { round: open.round, accepted: credited, ...step, late, trainLoss, validationLoss });
  broadcast(turn, { type: 'close', closed });
}

/** Where gradients are exchanged all that were given work were given one learning rate, and the step that all take has it. */
function jointStep({ manifest }: RoomState, { parts }: OpenRound): Pick<ClosedRound, 'learningRate'> {
  if (manifest.spec.rounds.exchange !== 'gradients') return {};
  return { learningRate: Object.values(parts)[0]!.assignment.learningRate };
}

/** Neither a contribution nor what a group made of some may be handed in again. */
function spentIn({ nodes }: OpenRound, credited: readonly AcceptedContribution[]): string[] {
  const folds = Object.values(nodes).flatMap(({ fold }) => (fold === null ? [] : [fold]));
  return [...credited, ...folds].map(({ hash }) => spentKey(hash));
}

function lossPoint(
  state: RoomState,
  open: OpenRound,
  accepted: readonly AcceptedContribution[],
  at: number,
): LossPoint {
  const tokens = accepted.reduce((sum, contribution) => sum + contribution.tokens, 0);
  const weighted = accepted.reduce((sum, { workerId, tokens }) => sum + open.parts[workerId]!.commit!.loss * tokens, 0);
  const validationLoss = validationOf(open)?.loss ?? null;
  return { round: open.round, tokens: state.tokens + tokens, trainLoss: weighted / tokens, validationLoss, at };
}

/** What the evaluator measured, whether or not its contribution was accepted. */
function validationOf(open: OpenRound): { loss: number; tokens: number } | null {
  return Object.values(open.parts).find((part) => part.commit?.validation)?.commit?.validation ?? null;
}

/** Halves the density of all but the newest quarter; keeps the first point. */
function thin(points: LossPoint[]): LossPoint[] {
  if (points.length <= maxLossPoints) return points;
  const recentFrom = points.length - Math.floor(maxLossPoints / 4);
  return points.filter((_, index) => index % 2 === 0 || index >= recentFrom);
}

/** Adds accepted tokens to their authors' accounts; `sign` -1 takes them back when a round is undone. */
export function credit(turn: Turn, credits: Readonly<Record<string, number>>, sign: 1 | -1): void {
  for (const [workerId, tokens] of Object.entries(credits)) {
    const member = turn.state.members[workerId];
    if (member === undefined) continue;
    const tokensAccepted = member.tokensAccepted + sign * tokens;
    changeMember(turn, workerId, { tokensAccepted, roundsAccepted: member.roundsAccepted + sign });
  }
}

/**
 * Whoever was still training at the deadline is not as fast as it was thought to be. Less than one step cannot be asked of it: to
 * think it slower than that would only move the deadlines.
 */
function slowDownLate(turn: Turn, open: OpenRound): void {
  for (const [id, part] of Object.entries(open.parts)) {
    const member = turn.state.members[id];
    const isLate = part.commit === null && turn.state.ahead[id] === undefined;
    if (isLate && part.assignment.steps > 1 && isActive(member)) {
      changeMember(turn, id, { tokensPerSecond: member.tokensPerSecond / 2 });
    }
  }
}

/** Whoever is of no use again and again rests for a while. */
function noteMisses(turn: Turn, open: OpenRound): void {
  for (const [id, part] of Object.entries(open.parts)) {
    const member = turn.state.members[id];
    if (!isActive(member) || (part.commit === null && turn.state.ahead[id] !== undefined)) continue;
    const isUseful = part.commit !== null && hasHeardOthers(turn.state, open, id, part);
    const isWrong = open.nodes[part.node]!.adding?.wrong.includes(id) === true;
    const misses = isWrong ? Math.max(maxMisses, member.misses + 1) : isUseful ? 0 : member.misses + 1;
    const rest = misses < maxMisses ? 0 : Math.min(maxRestRounds, 2 ** (misses - 1));
    changeMember(turn, id, { misses, restsUntil: open.round + 1 + rest });
  }
}

/** With bounded staleness a round does not wait for everyone to hear of all. */
function hasHeardOthers(state: RoomState, { nodes, parts }: OpenRound, id: string, part: Part): boolean {
  if (staleness(state) > 0 || nodes[part.node]!.folders[id] !== undefined) return true;
  const others = nodes[part.node]!.members.filter((other) => other !== id && parts[other]?.commit);
  return others.length === 0 || part.received.length > 1;
}

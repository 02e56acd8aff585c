// Closing a round: when it waits no longer, and for whom. A group closes for itself as soon as it has everything; the round when
// all groups are done and, where they fold, have folded.

import { median } from '../../median.ts';
import { maxExtensions, maxShareGraceMs, minShareGraceMs, settleMs } from '../limits.ts';
import { changeOpen, changePart } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, RoomState } from '../types.ts';
import { afterVainWait, liveParts, readyMembers, staleness } from '../views.ts';
import { addsUp, startAdding } from './add.ts';
import { available, inApplyingOrder, liveIn, neededOf, openGroups, standingOf } from './available.ts';
import { conclude, giveUp } from './conclude.ts';
import { foldWhenReady, startFold, topOf } from './fold.ts';

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
    if (!isWhole) changeOpen(turn, afterVainWait(turn.state.open!, now));
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

/** From now on only receipts are waited for, and not for ever: whoever never sends them must not hold up the round. */
function noteSafe(turn: Turn, isSafe: boolean): void {
  const { settleAt } = turn.state.open!;
  const quarterMs = turn.state.recentRoundMs.length === 0 ? 0 : median(turn.state.recentRoundMs) / 4;
  if (isSafe && settleAt === null) changeOpen(turn, { settleAt: turn.now + Math.max(settleMs, quarterMs) });
  else if (!isSafe && settleAt !== null) changeOpen(turn, { settleAt: null });
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

// What participants say during a round: "I am done" and "I have your payload".

import { median } from '../../median.ts';
import { maxPayloadBytes } from '../../protocol/frame.ts';
import type { WorkerMessage } from '../../protocol/messages.ts';
import { setAhead } from './ahead.ts';
import { isAddingUp } from './add.ts';
import { commitsOf, remindToFold } from './fold.ts';
import { maxEarly, noticeMs } from '../limits.ts';
import { remindJudge } from '../verification/measure.ts';
import { tokensPerStep } from '../pace/schedule.ts';
import { changeMember, changeOpen, changePart, refuse, send } from '../turn.ts';
import type { Refusal, Turn } from '../turn.ts';
import type { Commit, OpenRound, Part, RoomState, Work } from '../types.ts';
import { holdersOf, isActive, isUpToDate, isVerified, matesOf, contributionOf, staleness } from '../views.ts';

type CommitMessage = Extract<WorkerMessage, { type: 'commit' }>;
type ReceivedMessage = Extract<WorkerMessage, { type: 'received' }>;

/** Takes a contribution's hash, once; a commit for a round that has closed meanwhile is ignored, or waits for the next one. */
export function commit(turn: Turn, id: string, message: CommitMessage): void {
  changeMember(turn, id, { traffic: message.traffic });
  if (isAhead(turn.state, id, message)) return commitAhead(turn, id, message);
  const { open } = turn.state;
  const part = open?.parts[id];
  if (open === null || part === undefined || part.assignment.round !== message.round) {
    if (message.round < turn.state.round) return;
    return refuse(turn, id, { code: 'conflict', message: `round ${message.round} did not ask this worker to train` });
  }
  noteWord(turn, id);
  if (part.commit?.hash === message.hash) return;
  const refusal = problemWith(turn, part, message) ?? problemInRound(turn, open, id);
  if (refusal !== null) return refuse(turn, id, refusal);
  if (part.commit !== null) withdraw(turn, id, open, part.commit.hash);
  accept(turn, id, message);
}

/** It is awake and at work on the open round, whatever comes of what it says. */
export function noteWord(turn: Turn, id: string): void {
  if (turn.state.open?.parts[id] !== undefined) changePart(turn, id, { voice: 'heard' });
}

/** It was asked for beside the open round, or before it. */
function isAhead({ ahead, open }: RoomState, id: string, { round, hash }: CommitMessage): boolean {
  const work = ahead[id];
  if (work === undefined || work.assignment.round !== round) return false;
  return open?.parts[id]?.commit?.hash !== hash;
}

function commitAhead(turn: Turn, id: string, message: CommitMessage): void {
  const work = turn.state.ahead[id]!;
  if (work.commit !== null) return;
  const refusal = problemWith(turn, work, message);
  if (refusal !== null) return refuse(turn, id, refusal);
  setAhead(turn, id, { ...work, commit: commitOf(message) });
  turn.commits?.add(message.hash);
  noteSpeed(turn, id, message);
}

function problemWith(turn: Turn, { assignment }: Work, { hash, tokens, bytes, pieces }: CommitMessage): Refusal | null {
  const { state } = turn;
  const maxTokens = assignment.steps * tokensPerStep(state.manifest);
  if (tokens < 1 || tokens > maxTokens) {
    const allowed = `1 to ${maxTokens}`;
    return { code: 'invalid_message', message: `${tokens} tokens`, where: 'tokens', allowed };
  }
  if (bytes < 1 || bytes > maxPayloadBytes) {
    const allowed = `1 to ${maxPayloadBytes}`;
    return { code: 'invalid_message', message: `payload of ${bytes} bytes`, where: 'bytes', allowed };
  }
  if (assignment.segments !== undefined && pieces?.length !== assignment.segments) {
    const allowed = `${assignment.segments} hashes`;
    return { code: 'invalid_message', message: `${pieces?.length ?? 0} pieces`, where: 'pieces', allowed };
  }
  if (commitsOf(turn).has(hash) || foldsOf(turn).has(hash)) {
    return { code: 'conflict', message: 'another worker committed the same payload' };
  }
  turn.spent ??= new Set(state.spent);
  return turn.spent.has(spentKey(hash))
    ? { code: 'conflict', message: 'this payload was accepted in an earlier round' }
    : null;
}

function problemInRound({ state }: Turn, open: OpenRound, id: string): Refusal | null {
  const { commit } = open.parts[id]!;
  if (open.revealedAt !== null) {
    return { code: 'conflict', message: `round ${open.round} takes no more commits: the others' payloads are shown` };
  }
  if (commit !== null && open.nodes[open.parts[id]!.node]!.inputs !== null) {
    return { code: 'conflict', message: `the work of round ${open.round} is being made one payload` };
  }
  const held = commit === null ? [] : holdersOf(state, open, commit.hash, id).filter((holder) => holder !== id);
  return held.length === 0 ? null : { code: 'conflict', message: 'an earlier commit of this round is with the peers' };
}

/** What groups made in the open round. Gathered once a turn. */
function foldsOf(turn: Turn): Set<string> {
  turn.folds ??= new Set(Object.values(turn.state.open?.nodes ?? {}).flatMap(({ folders }) => Object.values(folders)));
  return turn.folds;
}

/** What the room remembers of an accepted contribution. */
export function spentKey(hash: string): string {
  return hash.slice(-16);
}

/** A payload that nobody has any more: its commit is as if it had never been. */
function withdraw(turn: Turn, id: string, open: OpenRound, hash: string): void {
  for (const mate of matesOf(open, id)) {
    const received = turn.state.open!.parts[mate]?.received ?? [];
    if (received.includes(hash)) changePart(turn, mate, { received: received.filter((held) => held !== hash) });
  }
  changePart(turn, id, { commit: null, isAnnounced: false });
  turn.commits?.delete(hash);
}

function commitOf({ hash, pieces, bytes, tokens, loss, validation }: CommitMessage): Commit {
  return { hash, ...(pieces && { pieces }), bytes, tokens, loss, validation };
}

function accept(turn: Turn, id: string, message: CommitMessage): void {
  const { hash } = message;
  const commit = commitOf(message);
  changePart(turn, id, {
    commit,
    isAnnounced: false,
    early: [...turn.state.open!.parts[id]!.early, hash],
  });
  turn.commits?.add(hash);
  const { noticeAt } = turn.state.open!;
  changeOpen(turn, { progressAt: turn.now, noticeAt: noticeAt ?? turn.now + noticeDelayMs(turn.state) });
  for (const mate of matesOf(turn.state.open!, id)) welcomeEarly(turn, mate, hash);
  noteSpeed(turn, id, message);
}

/** The payload arrived here before the room heard of it. */
function welcomeEarly(turn: Turn, id: string, hash: string): void {
  const part = turn.state.open!.parts[id];
  if (part?.early.includes(hash) !== true) return;
  const early = part.early.filter((other) => other !== hash);
  changePart(turn, id, { early, received: [...part.received, hash] });
}

/** Workers as fast as each other commit together: one message tells of all. */
function noticeDelayMs({ recentRoundMs }: RoomState): number {
  return Math.max(noticeMs, recentRoundMs.length === 0 ? 0 : median(recentRoundMs) / 4);
}

/** Tells each group of its new commits: at once where nobody is left to wait for, else when it is time. */
export function announceCommits(turn: Turn): void {
  const { open } = turn.state;
  if (open === null || open.noticeAt === null || isSealed(turn.state, open)) return;
  const isTime = turn.now >= open.noticeAt;
  let isAllTold = true;
  for (const { members, children } of Object.values(open.nodes)) {
    if (children.length > 0) continue;
    if (isTime || staleness(turn.state) > 0 || !members.some((id) => isStillTraining(turn.state, id)))
      announce(turn, members);
    else isAllTold &&= members.every((id) => isTold(open.parts[id]));
  }
  if (isAllTold) changeOpen(turn, { noticeAt: null });
}

/** Commits are not shown to anyone yet. */
function isSealed(state: RoomState, open: OpenRound): boolean {
  return (open.revealedAt === null && isVerified(state)) || isAddingUp(open);
}

function isStillTraining(state: RoomState, id: string): boolean {
  const part = state.open!.parts[id];
  return (
    part !== undefined && part.commit === null && isActive(state.members[id]) && isUpToDate(state, state.members[id])
  );
}

function isTold(part: Part | undefined): boolean {
  return part === undefined || part.commit === null || part.isAnnounced;
}

function announce(turn: Turn, members: readonly string[]): void {
  const { round, parts } = turn.state.open!;
  const fresh = members.filter((id) => !isTold(parts[id]));
  if (fresh.length === 0) return;
  const contributions = fresh.map((id) => contributionOf(turn.state.open!, id));
  for (const id of fresh) changePart(turn, id, { isAnnounced: true });
  for (const id of members) send(turn, id, { type: 'committed', round, contributions });
}

/** Half of what is known, half of what was measured now. */
function noteSpeed(turn: Turn, id: string, { tokens, seconds }: CommitMessage): void {
  if (seconds === 0) return;
  const measured = tokens / seconds;
  const { tokensPerSecond } = turn.state.members[id]!;
  changeMember(turn, id, { tokensPerSecond: tokensPerSecond > 0 ? (tokensPerSecond + measured) / 2 : measured });
}

/** Notes which payloads of the open round have arrived at a participant. */
export function received(turn: Turn, id: string, message: ReceivedMessage): void {
  const { open } = turn.state;
  const part = open?.round === message.round ? open.parts[id] : undefined;
  if (open === null || part === undefined) return;
  noteWord(turn, id);
  const known = new Set([...part.received, ...part.early]);
  const fresh = [...new Set(message.hashes)].filter((hash) => !known.has(hash));
  if (fresh.length === 0) return;
  const committedHashes = new Set(matesOf(open, id).map((mate) => open.parts[mate]?.commit?.hash));
  const early = [...part.early, ...fresh.filter((hash) => !committedHashes.has(hash))].slice(0, maxEarly);
  changePart(turn, id, {
    early,
    received: [...part.received, ...fresh.filter((hash) => committedHashes.has(hash))],
  });
  changeOpen(turn, { progressAt: turn.now });
}

/** Tells a worker that came back, or has just caught up, what it may have missed of the open round. */
export function remind(turn: Turn, id: string): void {
  const { open, ahead } = turn.state;
  remindOfWork(turn, id, ahead[id]);
  if (open === null) return;
  withdrawLost(turn, id, open);
  const { parts } = turn.state.open!;
  const known = isSealed(turn.state, open) ? [] : matesOf(open, id).filter((mate) => parts[mate]?.commit);
  const contributions = known.map((mate) => contributionOf(turn.state.open!, mate));
  if (contributions.length > 0) send(turn, id, { type: 'committed', round: open.round, contributions });
  remindToFold(turn, id);
  remindJudge(turn, id);
  remindOfWork(turn, id, turn.state.open!.parts[id]);
}

function remindOfWork(turn: Turn, id: string, work: Work | undefined): void {
  if (work?.commit === null && isActive(turn.state.members[id]))
    send(turn, id, { type: 'assign', assignment: work.assignment });
}

/** It lost its memory, and its payload with it: it trains again, unless its group makes one payload of what all did already. */
function withdrawLost(turn: Turn, id: string, open: OpenRound): void {
  const part = open.parts[id];
  const commit = part?.commit ?? null;
  if (part !== undefined && open.nodes[part.node]!.inputs !== null) return; // what others have of it may suffice
  if (commit !== null && holdersOf(turn.state, open, commit.hash, id).length === 0)
    withdraw(turn, id, open, commit.hash);
}

// Coming and going: hello, pause, leave, lost connections, and a restart of the room itself.

import type { WorkerMessage } from '../../protocol/messages.ts';
import { chooseVersion, rangeOf, roomSpeaks, tooOld, unspoken, versionNeeded } from '../../protocol/version.ts';
import { catchUp, wrongTooOften } from '../agreement/agree.ts';
import { dropAhead } from '../closing/ahead.ts';
import { remind } from '../closing/collect.ts';
import { tellTheEnd } from '../storage/finish.ts';
import { dropLeaseOf } from '../storage/lease.ts';
import { maxResyncs, rejoinMs } from '../limits.ts';
import { banOf, remindOfStanding } from '../verification/sentence.ts';
import { change, changeMember, changeNode, changeOpen, changePart, ownCopy, record, send, turnAway } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Member, RoomState, StateRef } from '../types.ts';
import { givePlace, matesNow } from './swarm.ts';
import { agreedHash, isOver } from '../views.ts';

type Hello = Extract<WorkerMessage, { type: 'hello' }>;

/** A worker connects, for the first time or again: it is told all it needs to catch up. */
export function hello(turn: Turn, id: string, message: Hello): void {
  if (isOver(turn.state)) return tellTheEnd(turn, id);
  const version = chooseVersion(rangeOf(message), roomSpeaks);
  if (version === null) return turnAway(turn, id, unspoken(rangeOf(message)));
  if (version < versionNeeded(turn.state.manifest)) return turnAway(turn, id, tooOld(version, turn.state.manifest));
  const known = turn.state.members[id];
  if ((known?.resyncs ?? 0) > maxResyncs) return turnAway(turn, id, { code: 'forbidden', message: wrongTooOften });
  const ban = banOf(turn.state, id);
  if (ban !== null) return turnAway(turn, id, { code: 'forbidden', message: ban });
  admit(turn, id, message, version);
  const { round, members } = turn.state;
  const { kind, adapter } = members[id]!;
  const isNew = known?.present !== true && !endAbsence(turn, id);
  if (isNew) record(turn, 'worker.joined', { workerId: id, kind, adapter, round });
  welcome(turn, id);
  remindOfStanding(turn, id);
  dropLeaseOf(turn, id); // nobody knows whether it heard of it, or whether we heard its answer
  if (members[id]!.holds?.round === round) remind(turn, id);
}

function admit(
  turn: Turn,
  id: string,
  { peerId, kind, backend, tokensPerSecond, holds }: Hello,
  version: number,
): void {
  const known = turn.state.members[id] ?? newcomer;
  const member: Member = {
    ...known,
    workerId: id,
    peerId,
    kind,
    adapter: backend.adapter,
    backend,
    present: true,
    leftBecause: '',
    version,
    told: 0,
    paused: false,
    drains: null,
    tokensPerSecond: tokensPerSecond > 0 ? tokensPerSecond : known.tokensPerSecond,
    holds: credible(turn.state, holds),
    stuck: false,
  };
  const members = ownCopy(turn, turn.state.members);
  members[id] = member;
  change(turn, { members });
  givePlace(turn, id);
  if (member.holds === null) forgetPayloadsOf(turn, id);
}

/** It has lost its memory, and what it had received or folded with it. */
function forgetPayloadsOf(turn: Turn, id: string): void {
  const { open } = turn.state;
  dropAhead(turn, id);
  if (open?.parts[id]) changePart(turn, id, { received: [], early: [], voice: 'unheard' });
  for (const [index, { folders }] of Object.entries(open?.nodes ?? {})) {
    const { [id]: made, ...others } = folders;
    if (made !== undefined) changeNode(turn, Number(index), { folders: others });
  }
}

const newcomer = {
  tokensPerSecond: 0,
  resyncs: 0,
  told: 0,
  misses: 0,
  restsUntil: 0,
  tokensAccepted: 0,
  roundsAccepted: 0,
  traffic: { bytesSent: 0, bytesReceived: 0, peers: 0 },
};

/** A worker that kept its memory keeps its place; one that claims a state nobody knows has to catch up. */
function credible(state: RoomState, holds: StateRef | null): StateRef | null {
  if (holds === null || holds.round > state.round) return null;
  const agreed = agreedHash(state, holds.round);
  return agreed === holds.stateHash || (agreed === null && holds.round === state.round) ? holds : null;
}

function welcome(turn: Turn, id: string): void {
  const { state } = turn;
  send(turn, id, {
    type: 'welcome',
    version: state.members[id]!.version,
    workerId: id,
    jobId: state.jobId,
    ...catchUp(state),
    topology: state.overlay.kind,
    peers: matesNow(state, id),
  });
}

export function pause(turn: Turn, id: string): void {
  changeMember(turn, id, { paused: true });
}

export function resume(turn: Turn, id: string): void {
  changeMember(turn, id, { paused: false });
  remind(turn, id);
}

/** A worker says goodbye: work it has not committed will not come. */
export function leave(turn: Turn, id: string, reason: string): void {
  const { open } = turn.state;
  if (turn.state.ahead[id]?.commit === null) dropAhead(turn, id);
  if (open?.parts[id]?.commit === null) {
    const { [id]: _, ...parts } = open.parts;
    changeOpen(turn, { parts });
  }
  gone(turn, id, reason);
}

/** A worker's connection is lost. Its part in the round stays: it may come back and go on before the round closes. */
export function gone(turn: Turn, id: string, reason: string): void {
  if (turn.state.members[id]?.present !== true) return;
  changeMember(turn, id, { present: false, leftBecause: reason, stuck: false });
  if (isOver(turn.state)) return;
  record(turn, 'worker.left', { workerId: id, reason, round: turn.state.round });
  dropLeaseOf(turn, id);
}

/** Sockets are gone; those who were there are waited for, so that the open round does not go on without them. */
export function restarted(turn: Turn, among?: readonly string[]): void {
  const { members, open, rejoining } = turn.state;
  const ids = new Set(among ?? Object.keys(members));
  const awaited = new Set(rejoining?.workers);
  const workers = Object.keys(members).filter((id) => awaited.has(id) || (ids.has(id) && members[id]!.present));
  for (const id of workers) changeMember(turn, id, { present: false });
  const until = turn.now + rejoinMs;
  change(turn, { wakeAt: null, rejoining: workers.length === 0 ? null : { workers, until } });
  if (open !== null) changeOpen(turn, { deadlineMs: Math.max(open.deadlineMs, until + open.givenMs) });
}

/** Crosses a worker off the list of those that are waited for after a restart. */
function endAbsence(turn: Turn, id: string): boolean {
  const { rejoining } = turn.state;
  if (rejoining === null || !rejoining.workers.includes(id)) return false;
  const workers = rejoining.workers.filter((other) => other !== id);
  change(turn, { rejoining: workers.length === 0 ? null : { ...rejoining, workers } });
  return true;
}

/** The time to come back after a restart is over. */
export function endRejoining(turn: Turn): void {
  const { rejoining, round } = turn.state;
  if (rejoining === null || turn.now < rejoining.until) return;
  change(turn, { rejoining: null });
  for (const workerId of rejoining.workers) {
    const reason = 'did not come back after the coordinator restarted';
    changeMember(turn, workerId, { leftBecause: reason });
    record(turn, 'worker.left', { workerId, reason, round });
    dropLeaseOf(turn, workerId);
  }
}

/** Members that are away and never had work accepted need not be remembered. */
export function forgetStrangers(turn: Turn): void {
  const { members, open } = turn.state;
  const kept = Object.entries(members).filter(
    ([id, member]) => member.present || member.roundsAccepted > 0 || open?.parts[id],
  );
  if (kept.length < Object.keys(members).length) change(turn, { members: Object.fromEntries(kept) });
}

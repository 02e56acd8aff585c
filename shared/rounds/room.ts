// The room of a job as a pure state machine. Workers join and agree on a state; a round opens, they train and exchange, it
// closes with an ordered list of contributions; they apply it and agree again, until the job is trained and stored. Any of
// them, and the room itself, may vanish at any moment.

import type { Manifest } from '../manifest/manifest.ts';
import type { WorkerMessage } from '../protocol/messages.ts';
import { newCourt } from '../verification/court.ts';
import { agreeWhenReported, applied } from './agreement/agree.ts';
import { audited } from './verification/audit.ts';
import { closeWhenDone, closeWhenShared } from './closing/close.ts';
import { summed } from './closing/add.ts';
import { announceCommits, commit, received } from './closing/collect.ts';
import { drain, releaseDrained } from './members/drain.ts';
import { explain } from './explain.ts';
import { folded } from './closing/fold.ts';
import { cancel, finishWhenTrained } from './storage/finish.ts';
import { leaseWhenDue, noFailures } from './storage/lease.ts';
import { endRejoining, gone, hello, leave, pause, restarted, resume } from './members/members.ts';
import { missing, rewindWhenLost } from './agreement/missing.ts';
import { measured } from './verification/measure.ts';
import { introduceWorker } from './verification/sentence.ts';
import { assignAhead } from './opening/assign-ahead.ts';
import { openWhenReady } from './opening/open.ts';
import { revealWhenCommitted } from './verification/reveal.ts';
import { introduce } from './members/swarm.ts';
import { change, countRefusal, turnAway } from './turn.ts';
import type { Turn } from './turn.ts';
import type { RoomEvent, RoomState, Tick } from './types.ts';
import { confirmed, declined, expireLease, stored, uploaded } from './storage/upload.ts';
import { isOver } from './views.ts';
import { setAlarm } from './wake.ts';

/** A job's room before anyone has come. */
export function newRoom(jobId: string, manifest: Manifest): RoomState {
  return {
    version: 4,
    jobId,
    manifest,
    phase: 'waiting',
    reason: '',
    members: {},
    round: 0,
    stateHash: null,
    open: null,
    ahead: {},
    setbacks: { count: 0, until: 0 },
    attempts: 0,
    agreement: { since: 0, quorumAt: null },
    checkpoint: null,
    checkpointAt: 0,
    log: [],
    overlay: { kind: 'mesh', groups: [], branching: 2, since: 0 },
    introduceAt: null,
    lease: null,
    fence: 0,
    leaseFailures: noFailures,
    asked: {},
    lostSince: null,
    rejoining: null,
    tokens: 0,
    startedAt: null,
    endedAt: null,
    recentRoundMs: [],
    validationTokens: 0,
    losses: [],
    stateHashes: [],
    court: newCourt,
    shards: [],
    spent: [],
    evaluation: null,
    refused: {},
    wakeAt: null,
  };
}

/**
 * What a room does about an event at `now` (unix ms). Pure: the same state, event and time give the same tick; `state` is
 * not changed, and parts of it that did not change are the same objects in the next state.
 */
export function tick(state: RoomState, event: RoomEvent, now: number): Tick {
  return tickAll(state, [event], now);
}

/** The same for events that came together: what follows from them is looked at once, so that many cost little more than one. */
export function tickAll(state: RoomState, events: readonly RoomEvent[], now: number): Tick {
  const turn: Turn = {
    state,
    before: state,
    now,
    effects: [],
    own: new Set(),
    commits: null,
    folds: null,
    spent: null,
  };
  for (const event of events) take(turn, event);
  for (const step of sequel) if (!isOver(turn.state)) step(turn);
  setAlarm(turn);
  return { state: turn.state, effects: turn.effects };
}

function take(turn: Turn, event: RoomEvent): void {
  switch (event.type) {
    case 'message':
      if (event.record !== undefined) introduceWorker(turn, event.workerId, event.record);
      return takeMessage(turn, event.workerId, event.message);
    case 'gone':
      return gone(turn, event.workerId, event.reason);
    case 'refused':
      return countRefusal(turn, event.code);
    case 'stored':
      return stored(turn, event);
    case 'cancel':
      return cancel(turn, event.reason);
    case 'restarted':
      return restarted(turn, event.workers);
    case 'wake':
      return change(turn, { wakeAt: null });
  }
}

function takeMessage(turn: Turn, id: string, message: WorkerMessage): void {
  if (message.type === 'hello') return hello(turn, id, message);
  if (isOver(turn.state)) return;
  if (turn.state.members[id]?.present !== true) {
    return turnAway(turn, id, { code: 'unauthorized', message: 'say hello first', where: 'type', allowed: 'hello' });
  }
  switch (message.type) {
    case 'commit':
      return commit(turn, id, message);
    case 'received':
      return received(turn, id, message);
    case 'measured':
      return measured(turn, id, message);
    case 'audited':
      return audited(turn, id, message);
    case 'confirmed':
      return confirmed(turn, id, message);
    case 'folded':
      return folded(turn, id, message);
    case 'summed':
      return summed(turn, id, message);
    case 'missing':
      return missing(turn, id, message);
    case 'applied':
      return applied(turn, id, message);
    case 'uploaded':
      return uploaded(turn, id, message);
    case 'declined':
      return declined(turn, id, message);
    case 'pause':
      return pause(turn, id);
    case 'resume':
      return resume(turn, id);
    case 'drain':
      return drain(turn, id);
    case 'leave':
      return leave(turn, id, message.reason);
  }
}

/** What may follow from what is known now, in the order of a round, until the job is over. */
const sequel = [
  endRejoining,
  expireLease,
  revealWhenCommitted,
  closeWhenDone,
  agreeWhenReported,
  rewindWhenLost,
  finishWhenTrained,
  leaseWhenDue,
  openWhenReady,
  assignAhead,
  closeWhenShared,
  releaseDrained,
  announceCommits,
  introduce,
  explain,
];

// Carrying out what the court decided: an event in the ledger for each change of a worker's standing, and a word to the worker.

import { introduced, sentencesBetween, standingOf } from '../../verification/court.ts';
import type { Court, Sentence } from '../../verification/court.ts';
import type { WorkerRecord } from '../../verification/reputation.ts';
import { change, record, send, turnAway } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { RoomState } from '../types.ts';

export function sentence(turn: Turn, court: Court): void {
  const sentences = sentencesBetween(turn.state.court, court);
  change(turn, { court });
  for (const one of sentences) carryOut(turn, one);
}

function carryOut(turn: Turn, { workerId, state, reason }: Sentence): void {
  const { round } = turn.state;
  if (state === 'good') {
    record(turn, 'worker.released', { workerId, round });
    return send(turn, workerId, { type: 'standing', state, reason: '' });
  }
  if (state === 'quarantined') {
    record(turn, 'worker.quarantined', { workerId, reason, round });
    return send(turn, workerId, { type: 'standing', state, reason: quarantineText(reason) });
  }
  record(turn, 'worker.banned', { workerId, reason, round });
  if (turn.state.members[workerId]?.present) turnAway(turn, workerId, { code: 'forbidden', message: banText(reason) });
}

/** What other jobs found of a worker that says hello, or that its ban was lifted. */
export function introduceWorker(turn: Turn, workerId: string, record: WorkerRecord): void {
  const court = introduced(turn.state.court, workerId, record);
  if (court !== turn.state.court) change(turn, { court });
}

/** Why a worker may not take part, or null. */
export function banOf(state: RoomState, workerId: string): string | null {
  const { state: standing, reason } = standingOf(state.court, workerId);
  return standing === 'banned' ? banText(reason) : null;
}

/** To one that came back in quarantine. */
export function remindOfStanding(turn: Turn, workerId: string): void {
  const { state, reason } = standingOf(turn.state.court, workerId);
  if (state === 'quarantined') send(turn, workerId, { type: 'standing', state, reason: quarantineText(reason) });
}

function banText(reason: string): string {
  return `this worker is banned from the job: ${reason}`;
}

function quarantineText(reason: string): string {
  return `This worker's results do not count until checks have shown that they are right: ${reason}.`;
}

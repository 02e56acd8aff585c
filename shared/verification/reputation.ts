// What all jobs of a coordinator know of a worker: a fold over the ledger's events, so that anyone can replay it. Good standing
// makes audits in the next job rarer; a ban keeps a worker out of every job for a time, after which it is a newcomer.

import type { LedgerEventDraft } from '../ledger/events.ts';

export interface Ban {
  readonly jobId: string; // in which it was found lying
  readonly reason: string; // one sentence
  readonly since: number; // unix ms, as every time here
  readonly until: number;
}

export interface Reputation {
  readonly valid: number; // audits of its work that found it right, since its last offence
  readonly bans: number; // ever
  readonly ban: Ban | null; // the last one, also when it is over; null when it was lifted
  readonly isPardoned: boolean; // its last ban was lifted, so that the job that banned it takes it back
  readonly seenAt: number; // when it was last audited or sentenced
}

export const unknownReputation: Reputation = { valid: 0, bans: 0, ban: null, isPardoned: false, seenAt: 0 };

const dayMs = 86_400_000;
/** The first ban; each further one lasts twice as long, up to a year. */
export const firstBanMs = 30 * dayMs;
const longestBanMs = 365 * dayMs;
/** Good standing halves in this time without an audit. */
export const halfLifeMs = 30 * dayMs;
/** Nobody brings along more: one in twenty shards is audited, whoever it is. */
export const mostValid = 20;

/** What a room is told of a worker that says hello. */
export interface WorkerRecord {
  readonly valid: number;
  readonly isPardoned: boolean;
}

type Fold = (was: Reputation, at: number) => Reputation;

/** The worker that an event says something about, and how that changes its reputation; null for all other events. */
export function reputationChange(event: LedgerEventDraft): { workerId: string; fold: Fold } | null {
  switch (event.type) {
    case 'shard.audited': {
      const { isSame, workerId } = event.data; // one auditor's accusation proves nothing: what follows from it does
      return isSame === true
        ? { workerId, fold: (was, at) => ({ ...was, valid: fadedValid(was, at) + 1, seenAt: at }) }
        : null;
    }
    case 'worker.quarantined':
      return { workerId: event.data.workerId, fold: (was, at) => ({ ...was, valid: 0, seenAt: at }) };
    case 'worker.banned': {
      const { workerId, reason } = event.data;
      return { workerId, fold: (was, at) => banned(was, at, event.subject, reason) };
    }
    case 'worker.pardoned':
      return { workerId: event.subject, fold: (was) => ({ ...was, ban: null, isPardoned: true }) };
    default:
      return null;
  }
}

function banned(was: Reputation, at: number, jobId: string, reason: string): Reputation {
  const length = Math.min(longestBanMs, firstBanMs * 2 ** was.bans);
  const ban = { jobId, reason, since: at, until: at + length };
  return { valid: 0, bans: was.bans + 1, ban, isPardoned: false, seenAt: at };
}

export function banAt({ ban }: Reputation, now: number): Ban | null {
  return ban !== null && now < ban.until ? ban : null;
}

/** What it brings into a job that it joins now. */
export function recordAt(reputation: Reputation, now: number): WorkerRecord {
  const valid = Math.min(mostValid, Math.round(fadedValid(reputation, now)));
  return { valid, isPardoned: reputation.isPardoned };
}

/** By halves in whole half-lives and straight lines between, so that every engine finds the same. */
function fadedValid({ valid, seenAt }: Reputation, now: number): number {
  const halves = Math.max(0, now - seenAt) / halfLifeMs;
  const whole = Math.min(60, Math.floor(halves));
  return (valid / 2 ** whole) * (1 - (halves - Math.floor(halves)) / 2);
}

// The sentence people read when nothing seems to happen, and the phase that goes with it.

import { agreementDueAt } from './agreement/agree.ts';
import { change } from './turn.ts';
import type { Turn } from './turn.ts';
import type { Member, RoomState } from './types.ts';
import { isActive, isUpToDate } from './views.ts';

/** Brings phase and reason up to date at the end of a tick. */
export function explain(turn: Turn): void {
  const { state } = turn;
  const { phase, reason } = state.phase === 'finishing' ? finishing(state) : trainingOrWaiting(state, turn.now);
  if (phase !== state.phase || reason !== state.reason) change(turn, { phase, reason });
}

function finishing(state: RoomState): Pick<RoomState, 'phase' | 'reason'> {
  const isStoring = state.lease?.kind === 'artifact';
  return { phase: 'finishing', reason: isStoring ? '' : 'waiting for a worker that holds the trained model' };
}

function trainingOrWaiting(state: RoomState, now: number): Pick<RoomState, 'phase' | 'reason'> {
  if (state.rejoining !== null) return { phase: 'waiting', reason: rejoiningReason(state.rejoining.workers.length) };
  if (state.open !== null) return { phase: 'running', reason: state.attempts > 0 ? retryReason(state) : '' };
  return isApplying(state, now) ? { phase: 'running', reason: '' } : { phase: 'waiting', reason: waitingReason(state) };
}

/** The last round closed and those who were in it apply it, for no longer than that should take. */
function isApplying(state: RoomState, now: number): boolean {
  const { agreement, round, members } = state;
  if (agreement === null || round === 0 || now >= agreementDueAt(state, agreement)) return false;
  return Object.values(members).some((member) => isActive(member) && member.holds?.round === round - 1);
}

function rejoiningReason(workers: number): string {
  return `the coordinator restarted; waiting for ${plural(workers, 'worker')} to come back`;
}

function retryReason({ round, attempts }: RoomState): string {
  return `no work for round ${round} came in time; trying again (attempt ${attempts + 1})`;
}

function waitingReason(state: RoomState): string {
  const present = Object.values(state.members).filter((member) => member.present);
  const ready = present.filter((member) => !member.paused && holdsCurrent(state, member)).length;
  const behind = present.filter((member) => !member.paused && !holdsCurrent(state, member)).length;
  const paused = present.length - ready - behind;
  const { min } = state.manifest.spec.resources.workers;
  const reasons = [
    ready < min && `waiting for ${plural(min - ready, 'more worker')} (${ready} of ${min})`,
    paused > 0 && `${paused} paused`,
    behind > 0 && `${behind} ${state.round === 0 ? 'getting ready' : 'catching up'}`,
    state.lostSince !== null && `the state of round ${state.round} is lost; going back soon`,
  ];
  return reasons.filter(Boolean).join('; ') || 'waiting for the workers to agree on the state';
}

/** Holds the agreed state, or while that is open, some state of the round. */
function holdsCurrent(state: RoomState, member: Member): boolean {
  return state.stateHash === null ? member.holds?.round === state.round : isUpToDate(state, member);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

// How a job ends: trained and stored, cancelled, or failed. The end is recorded once and told to everyone, also to those
// who come later.

import type { RoomMessage } from '../../protocol/messages.ts';
import { noFailures } from './lease.ts';
import { isTrained } from '../pace/progress.ts';
import { broadcast, change, record } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { RoomState } from '../types.ts';
import { agreedRounds, isOver } from '../views.ts';

/** After the last round the job only stores its model: see the artifact's lease. */
export function finishWhenTrained(turn: Turn): void {
  const { state, now } = turn;
  const isBetweenRounds = state.open === null && state.agreement === null;
  if (!isBetweenRounds || state.phase === 'finishing' || !isTrained(state, now)) return;
  if (state.tokens === 0) return fail(turn, 'maxDuration passed before any work was accepted');
  change(turn, { phase: 'finishing', lease: null, leaseFailures: noFailures });
}

export function complete(turn: Turn): void {
  end(turn, 'completed', '');
}

export function fail(turn: Turn, reason: string): void {
  end(turn, 'failed', reason);
}

export function cancel(turn: Turn, reason: string): void {
  if (!isOver(turn.state)) end(turn, 'cancelled', reason);
}

function end(turn: Turn, phase: 'completed' | 'failed' | 'cancelled', reason: string): void {
  change(turn, { phase, reason, open: null, ahead: {}, lease: null, rejoining: null, endedAt: turn.now });
  const { tokens } = turn.state;
  record(turn, 'job.finished', { state: phase, reason, rounds: agreedRounds(turn.state), tokens });
  broadcast(turn, finishMessage(turn.state));
}

/** Whoever comes after the end only hears how it ended. */
export function tellTheEnd(turn: Turn, id: string): void {
  turn.effects.push({ type: 'send', to: id, message: finishMessage(turn.state) });
}

function finishMessage({ phase, reason }: RoomState): RoomMessage {
  return { type: 'finish', state: phase as 'completed' | 'failed' | 'cancelled', reason };
}

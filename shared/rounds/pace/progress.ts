// How far a job is and when it will end: by tokens or by time, whichever is further.

import { tokensPerStep } from './schedule.ts';
import type { RoomState } from '../types.ts';

/** Fraction of the job that is done, 0 to 1. */
export function progressOf(state: RoomState, now: number): number {
  const { maxTokens, maxDuration } = state.manifest.spec.runtime;
  const byTokens = maxTokens === undefined ? 0 : state.tokens / maxTokens;
  const byTime = maxDuration === undefined ? 0 : elapsedMs(state, now) / maxDuration;
  return Math.min(1, Math.max(byTokens, byTime));
}

/** Milliseconds until the job should end at its recent pace; null while that cannot be told. */
export function remainingMs(state: RoomState, now: number): number | null {
  const { maxTokens, maxDuration } = state.manifest.spec.runtime;
  const byTime = maxDuration === undefined || state.startedAt === null ? null : maxDuration - elapsedMs(state, now);
  const pace = tokensPerMs(state);
  const byTokens = maxTokens === undefined || pace === null ? null : (maxTokens - state.tokens) / pace;
  if (byTime === null || byTokens === null) return byTime ?? byTokens;
  return Math.max(0, Math.min(byTime, byTokens));
}

/** Local steps that still fit below maxTokens; at least one in a job that has none accepted yet. */
export function stepBudget(state: RoomState): number {
  const { maxTokens } = state.manifest.spec.runtime;
  if (maxTokens === undefined) return Infinity;
  const steps = Math.floor((maxTokens - state.tokens) / tokensPerStep(state.manifest));
  return Math.max(state.tokens === 0 ? 1 : 0, steps);
}

/** Those that nobody has been asked for yet. */
export function unassignedSteps(state: RoomState): number {
  const works = [...Object.values(state.open?.parts ?? {}), ...Object.values(state.ahead)];
  return Math.max(0, stepBudget(state) - works.reduce((sum, { assignment }) => sum + assignment.steps, 0));
}

/** Whether no further round should open. */
export function isTrained(state: RoomState, now: number): boolean {
  const { maxDuration } = state.manifest.spec.runtime;
  return stepBudget(state) === 0 || (maxDuration !== undefined && elapsedMs(state, now) >= maxDuration);
}

function elapsedMs(state: RoomState, now: number): number {
  return state.startedAt === null ? 0 : Math.max(0, (state.endedAt ?? now) - state.startedAt);
}

/** Accepted tokens a millisecond over the last rounds. */
function tokensPerMs(state: RoomState): number | null {
  const recent = state.losses.slice(-8);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  return (last.tokens - first.tokens) / (last.at - first.at);
}

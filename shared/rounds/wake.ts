// The one alarm of a room: the next moment at which something may happen though nobody says anything.

import { agreementDueAt } from './agreement/agree.ts';
import { shareDueAt } from './closing/close.ts';
import { foldsDueAt } from './closing/fold.ts';
import { checkpointDueAt } from './storage/lease.ts';
import { rewindDueAt } from './agreement/missing.ts';
import { change } from './turn.ts';
import type { Turn } from './turn.ts';
import type { RoomState } from './types.ts';
import { isOver } from './views.ts';

/** Sets the alarm anew if the next moment has changed. */
export function setAlarm(turn: Turn): void {
  const at = isOver(turn.state) ? null : nextMoment(turn.state, turn.now);
  if (at === turn.state.wakeAt) return;
  change(turn, { wakeAt: at });
  if (at !== null) turn.effects.push({ type: 'wake-at', at });
}

/** Moments that have passed were dealt with in this tick, or wait for something other than time. */
function nextMoment(state: RoomState, now: number): number | null {
  const next = Math.min(...moments(state).filter((at) => at > now));
  return Number.isFinite(next) ? Math.ceil(next) : null;
}

function moments(state: RoomState): number[] {
  const { open, agreement, lease, rejoining, leaseFailures, startedAt } = state;
  const { maxDuration } = state.manifest.spec.runtime;
  const isIdle = open === null;
  return [
    ...(open === null
      ? []
      : [
          open.deadlineMs,
          open.noticeAt ?? Infinity,
          open.settleAt ?? Infinity,
          shareDueAt(state, open),
          ...foldsDueAt(open),
        ]),
    ...(agreement === null ? [] : [agreementDueAt(state, agreement)]),
    ...(lease === null ? [] : [lease.expiresMs]),
    ...(rejoining === null ? [] : [rejoining.until]),
    state.introduceAt ?? Infinity,
    rewindDueAt(state),
    ...(isIdle ? [leaseFailures.retryAt, checkpointDueAt(state)] : []),
    ...(isIdle && startedAt !== null && maxDuration !== undefined ? [startedAt + maxDuration] : []),
  ];
}

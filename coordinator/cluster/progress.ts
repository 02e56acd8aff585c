// What the API shows of a room's state. Pure.

import type { JobWorker } from '../../shared/api/schemas.ts';
import type { JobProgress } from '../db/jobs.ts';
import { progressOf, remainingMs } from '../../shared/rounds/pace/progress.ts';
import type { Member, RoomState } from '../../shared/rounds/types.ts';
import { isOver } from '../../shared/rounds/views.ts';

export function jobProgress(state: RoomState, now: number): JobProgress {
  const workers = Object.values(state.members).map(workerOf);
  const latest = (pick: 'trainLoss' | 'validationLoss') =>
    state.losses.findLast((point) => point[pick] !== null)?.[pick] ?? null;
  return {
    state: state.phase,
    reason: state.reason,
    startedAt: state.startedAt,
    endedAt: state.endedAt,
    round: state.round,
    tokens: state.tokens,
    tokensPerSecond: workers
      .filter(({ present, paused }) => present && !paused)
      .reduce((sum, worker) => sum + worker.tokensPerSecond, 0),
    progress: state.phase === 'completed' ? 1 : progressOf(state, now),
    etaMs: isOver(state) ? null : remainingMs(state, now),
    trainLoss: latest('trainLoss'),
    validationLoss: state.evaluation?.loss ?? latest('validationLoss'),
    workers,
    evaluation: state.evaluation,
  };
}

function workerOf(member: Member): JobWorker {
  const { workerId, kind, adapter, present, paused, tokensPerSecond, tokensAccepted, roundsAccepted, traffic } = member;
  const { bytesSent, bytesReceived } = traffic;
  const why = present || !member.leftBecause ? {} : { leftBecause: member.leftBecause };
  return {
    workerId,
    kind,
    adapter,
    present,
    ...why,
    paused,
    tokensPerSecond,
    tokensAccepted,
    roundsAccepted,
    bytesSent,
    bytesReceived,
  };
}

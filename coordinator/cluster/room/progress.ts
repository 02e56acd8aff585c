// What the API shows of a room's state. Pure.

import type { JobWorker } from '../../../shared/api/schemas.ts';
import type { JobProgress } from '../../db/jobs.ts';
import { progressOf, remainingMs } from '../../../shared/rounds/pace/progress.ts';
import type { Member, RoomState } from '../../../shared/rounds/types.ts';
import { isOver } from '../../../shared/rounds/views.ts';

/** So many workers are listed: all views of a job, its row in D1 (2 MB at most) and what each worker is given have this list. */
const maxListed = 500;

export function jobProgress(state: RoomState, now: number): JobProgress {
  const members = Object.values(state.members);
  const present = members.filter((member) => member.present);
  const latest = (pick: 'trainLoss' | 'validationLoss') =>
    state.losses.findLast((point) => point[pick] !== null)?.[pick] ?? null;
  return {
    state: state.phase,
    reason: state.reason,
    startedAt: state.startedAt,
    endedAt: state.endedAt,
    round: state.round,
    tokens: state.tokens,
    tokensPerSecond: present
      .filter(({ paused }) => !paused)
      .reduce((sum, { tokensPerSecond }) => sum + tokensPerSecond, 0),
    progress: state.phase === 'completed' ? 1 : progressOf(state, now),
    etaMs: isOver(state) ? null : remainingMs(state, now),
    trainLoss: latest('trainLoss'),
    validationLoss: state.evaluation?.loss ?? latest('validationLoss'),
    workers: listed(members).map(workerOf),
    workersPresent: present.length,
    evaluation: state.evaluation,
  };
}

/** In the order in which they joined while all fit. */
function listed(members: readonly Member[]): readonly Member[] {
  if (members.length <= maxListed) return members;
  const ranked = members.toSorted(
    (a, b) => Number(b.present) - Number(a.present) || b.tokensAccepted - a.tokensAccepted,
  );
  return ranked.slice(0, maxListed);
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

// With bounded staleness, and where fragments overlap, nobody waits for a round to close: whoever has committed trains on from
// the state it holds, while its payload is on its way to the others.

import type { Assignment } from '../../protocol/messages.ts';
import { setAhead } from '../closing/ahead.ts';
import { unassignedSteps } from '../pace/progress.ts';
import { learningRateAt, slotSeed } from '../pace/schedule.ts';
import { send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, RoomState } from '../types.ts';
import { earliness, readyMembers, staleness } from '../views.ts';
import { chooseEvaluator, progressInside, shareWork } from './open.ts';

const beside = 0x0a4e_ad00; // the seeds of what is trained beside a round

/** Asks whoever has nothing to do in the open round for work that the next one can take. */
export function assignAhead(turn: Turn): void {
  const { open } = turn.state;
  if (open === null || staleness(turn.state) + earliness(turn.state) === 0) return;
  const ready = readyMembers(turn.state);
  const shares = shareWork(turn.state, ready, turn.now, Infinity); // all of them, so that each gets what its speed allows
  const evaluator = isMeasured(turn.state, open) ? null : chooseEvaluator(turn.state, shares);
  for (const one of shares) {
    const { member, steps } = one;
    const isFree = isIdle(turn.state, open, member.workerId);
    const left = Math.min(steps, unassignedSteps(turn.state));
    if (!isFree || left === 0) continue;
    const learningRate = learningRateAt(
      turn.state.manifest.spec.optimizer,
      progressInside(turn.state, [one], turn.now),
    );
    const evaluate = member.workerId === evaluator?.workerId;
    assign(turn, member.workerId, { steps: left, learningRate, evaluate });
  }
}

function isIdle({ ahead, members, manifest }: RoomState, { parts, round }: OpenRound, id: string): boolean {
  if (ahead[id] !== undefined || parts[id]?.commit === null || members[id]!.restsUntil > round) return false;
  const atWork = new Set([...Object.keys(parts), ...Object.keys(ahead)]);
  return atWork.has(id) || atWork.size < manifest.spec.resources.workers.max;
}

/** Someone has been asked to measure the validation loss, and the answer is not in a closed round yet. */
function isMeasured({ ahead }: RoomState, { parts }: OpenRound): boolean {
  return [...Object.values(parts), ...Object.values(ahead)].some(({ assignment }) => assignment.evaluate);
}

type Share = Pick<Assignment, 'steps' | 'learningRate' | 'evaluate'>;

function assign(turn: Turn, id: string, share: Share): void {
  const { manifest, ahead, open } = turn.state;
  const round = turn.state.round + earliness(turn.state);
  const others = [...Object.values(open!.parts), ...Object.values(ahead)];
  const slot = 1 + others.reduce((last, { assignment }) => Math.max(last, assignment.slot), -1);
  const seed = slotSeed((manifest.spec.seed ^ beside) >>> 0, round, slot);
  const { deadlineMs } = open!;
  const assignment: Assignment = { round, slot, seed, ...share, deadlineMs };
  setAhead(turn, id, { assignment, commit: null });
  send(turn, id, { type: 'assign', assignment });
}

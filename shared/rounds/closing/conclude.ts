// The end of a round: with what it accepted, which is booked and told to everyone, or without anything, and it opens again.

import type { AcceptedContribution, ClosedRound } from '../../protocol/messages.ts';
import { maxApplied, maxSpent, recentRounds } from '../limits.ts';
import { broadcast, change, record } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, RoomState } from '../types.ts';
import { shardsOf } from '../verification/audit.ts';
import { isMeasuring, passGate } from '../verification/measure.ts';
import { hasAudits, isVerified, liveParts } from '../views.ts';
import { credit, spentIn } from './accounts.ts';
import { keepUntaken } from './ahead.ts';
import { isAvailable } from './available.ts';
import { inParts } from './credited.ts';
import { isFoldSafe, leavesBelow, topOf } from './fold.ts';
import { lossPoint, thin, validationOf } from './losses.ts';
import { noteMisses, slowDownLate } from './misses.ts';

export function conclude(turn: Turn, open: OpenRound): void {
  if (isMeasuring(turn)) return;
  const { applied, credited } = outcomeOf(turn.state, open);
  if (!isVerified(turn.state)) return applied.length === 0 ? giveUp(turn) : close(turn, open, { applied, credited });
  const passed = passGate(turn, credited); // without groups that fold, both are the same
  if (passed.length === 0) giveUp(turn);
  else close(turn, turn.state.open!, { applied: passed, credited: passed });
}

/** The same round opens again. */
export function giveUp(turn: Turn): void {
  const { state } = turn;
  const isTired = liveParts(state, state.open!).length > 0;
  if (isTired) noteMisses(turn, state.open!);
  change(turn, { open: null, attempts: state.attempts + (isTired ? 1 : 0) });
}

/** What a round comes to: the payloads that workers apply, and the contributions that are in them. */
interface Outcome {
  applied: AcceptedContribution[];
  credited: AcceptedContribution[];
}

function outcomeOf(state: RoomState, open: OpenRound): Outcome {
  const taken = heaviest(takenFrom(state, open, topOf(open)), maxApplied);
  return { applied: taken.map(({ payload }) => payload), credited: taken.flatMap(({ work }) => work) };
}

interface Taken {
  readonly payload: AcceptedContribution;
  readonly work: readonly AcceptedContribution[]; // that is in it
}

function takenFrom(state: RoomState, open: OpenRound, index: number): Taken[] {
  const node = open.nodes[index]!;
  if (isFoldSafe(state, node)) return [{ payload: node.fold, work: leavesBelow(open, index) }];
  if (node.children.length > 0) return node.children.flatMap((child) => takenFrom(state, open, child));
  const inputs = (node.inputs ?? []).filter(({ hash }) => isAvailable(state, open, node, hash));
  return inputs.map((payload) => ({ payload, work: [payload] }));
}

/** Those that most was trained for, where there are more than everyone can be told of and fetch; in the same order. */
function heaviest(taken: readonly Taken[], most: number): readonly Taken[] {
  if (taken.length <= most) return taken;
  const kept = new Set(taken.toSorted((a, b) => b.payload.tokens - a.payload.tokens).slice(0, most));
  return taken.filter((one) => kept.has(one));
}

function close(turn: Turn, open: OpenRound, { applied, credited }: Outcome): void {
  const { state, now } = turn;
  const closed: ClosedRound = { round: open.round, accepted: applied, stateHash: null, ...jointStep(state, open) };
  const credits = Object.fromEntries(credited.map(({ workerId, tokens }) => [workerId, tokens]));
  const spent = spentIn(open, credited);
  const point = lossPoint(state, open, credited, now);
  change(turn, {
    open: null,
    attempts: 0,
    round: open.round + 1,
    stateHash: null,
    agreement: { since: now, quorumAt: null },
    log: [...state.log, { ...closed, credits, spent: spent.length }],
    tokens: point.tokens,
    recentRoundMs: [...state.recentRoundMs, open.progressAt - open.openedAt - open.waitedMs].slice(-recentRounds),
    losses: thin([...state.losses, point]),
    shards: hasAudits(state) ? shardsOf(open) : [],
    spent: [...state.spent, ...spent].slice(-Math.max(maxSpent, 2 * state.manifest.spec.resources.workers.max)),
    validationTokens: validationOf(open)?.tokens ?? state.validationTokens,
  });
  keepUntaken(turn, open, credits);
  credit(turn, credits, 1);
  slowDownLate(turn, open);
  noteMisses(turn, open);
  const late = Object.keys(open.parts).filter((id) => credits[id] === undefined);
  const { trainLoss, validationLoss } = point;
  const folds = applied.some((one) => one.folds !== undefined) ? { applied } : {};
  const step = { ...folds, ...jointStep(state, open) };
  const booked = inParts({ round: open.round, accepted: credited, ...step, late, trainLoss, validationLoss });
  for (const part of booked.before) record(turn, 'round.credited', part);
  record(turn, 'round.closed', booked.closed);
  broadcast(turn, { type: 'close', closed });
}

/** Where gradients are exchanged all that were given work were given one learning rate, and the step that all take has it. */
function jointStep({ manifest }: RoomState, { parts }: OpenRound): Pick<ClosedRound, 'learningRate'> {
  if (manifest.spec.rounds.exchange !== 'gradients') return {};
  return { learningRate: Object.values(parts)[0]!.assignment.learningRate };
}

// The loss gate in the room: judges say what they measured, everyone is asked about what they differ on, and at the close only
// what passed counts.

import type { AcceptedContribution, WorkerMessage } from '../../protocol/messages.ts';
import { gateRuled, isGood } from '../../verification/court.ts';
import { awaited, heard, rule, widen } from '../../verification/gate.ts';
import type { Contribution, Gate } from '../../verification/gate.ts';
import type { Verdict } from '../../verification/loss-gate.ts';
import { sentence } from './sentence.ts';
import { changeOpen, record, refuse, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, RoomState } from '../types.ts';
import { isActive, isUpToDate, isVerified, contributionOf } from '../views.ts';

type Measured = Extract<WorkerMessage, { type: 'measured' }>;

/** Every commit of the open round, in the order of the participants. */
export function contributionsOf(open: OpenRound): AcceptedContribution[] {
  return Object.entries(open.parts).flatMap(([id, { commit }]) => (commit === null ? [] : [contributionOf(open, id)]));
}

export function askJudges(turn: Turn, asked: Gate['asked']): void {
  for (const judge of Object.keys(asked)) remindJudge(turn, judge);
}

/** What a judge has not measured yet; again to one that came back. */
export function remindJudge(turn: Turn, judge: string): void {
  const { open } = turn.state;
  if (open === null || open.gate === null) return;
  const { seed, tokens, state } = open.gate;
  const isOpen = (hash: string): boolean =>
    state.asked[judge]?.includes(hash) === true && state.said[judge]?.after[hash] === undefined;
  const contributions = contributionsOf(open).filter(({ hash }) => isOpen(hash));
  if (contributions.length > 0) send(turn, judge, { type: 'measure', round: open.round, seed, tokens, contributions });
}

export function measured(turn: Turn, id: string, { round, before, after }: Measured): void {
  const { open } = turn.state;
  if (open === null || open.round !== round || open.gate === null || open.gate.state.asked[id] === undefined) return;
  const losses = Object.fromEntries(after.map(({ hash, loss }) => [hash, loss]));
  changeGate(turn, heard(open.gate.state, id, { before, after: losses }));
  changeOpen(turn, { progressAt: turn.now });
}

/** Whether the gate still waits for judges that can answer. */
export function isMeasuring(turn: Turn): boolean {
  const { state, now } = turn;
  const open = state.open!;
  if (open.gate === null || now >= open.deadlineMs) return false;
  const able = Object.keys(open.parts).filter((id) => canJudge(state, id));
  if (awaited(open.gate.state, able).length > 0) return true;
  const wide = widen(open.gate.state, contributionsOf(open), able);
  if (wide === open.gate.state) return false;
  changeGate(turn, wide);
  askJudges(turn, wide.asked);
  return awaited(wide, able).length > 0;
}

function canJudge(state: RoomState, id: string): boolean {
  const member = state.members[id];
  return isActive(member) && isUpToDate(state, member) && isGood(state.court, id);
}

function changeGate(turn: Turn, state: Gate): void {
  changeOpen(turn, { gate: { ...turn.state.open!.gate!, state } });
}

/** Those of the contributions that count. What the gate found is recorded, and its authors are told. */
export function passGate(turn: Turn, contributions: readonly AcceptedContribution[]): AcceptedContribution[] {
  if (!isVerified(turn.state)) return [...contributions];
  const open = turn.state.open!;
  const verdicts = open.gate === null ? [] : conclude(turn, open.gate.state, contributionsOf(open));
  return contributions.filter((one) => {
    const verdict = verdicts.find(({ workerId }) => workerId === one.workerId);
    const counts = verdict?.counts !== false && isGood(turn.state.court, one.workerId);
    if (!counts) refuseWork(turn, one, verdict);
    return counts;
  });
}

function conclude(turn: Turn, gate: Gate, contributions: readonly Contribution[]): Verdict[] {
  const ruling = rule(gate, contributions);
  sentence(turn, gateRuled(turn.state.court, ruling));
  return ruling.verdicts;
}

function refuseWork(turn: Turn, { workerId, hash }: AcceptedContribution, verdict: Verdict | undefined): void {
  const { round } = turn.state.open!;
  const found = verdict?.counts === false ? verdict.finding : 'quarantined';
  const finding = found === 'useful' || found === 'unjudged' ? 'quarantined' : found;
  record(turn, 'contribution.refused', { round, workerId, hash, finding, improvement: verdict?.improvement ?? null });
  if (finding === 'quarantined') return; // it was told when that began
  const how = finding === 'harmful' ? 'raised' : 'did not lower';
  refuse(turn, workerId, {
    code: 'conflict',
    message: `the work of round ${round} did not count, because it ${how} the loss on held-out text`,
  });
}

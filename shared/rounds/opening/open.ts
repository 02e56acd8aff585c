// Opening a round: who takes part, how many local steps each does, from which seed and at which learning rate, who
// measures the validation loss, and when the round may close.

import { median } from '../../median.ts';
import { addingOf } from '../closing/add.ts';
import { isFresh } from '../closing/ahead.ts';
import { roundTimeMs } from '../pace/deadline.ts';
import { evaluationShare, forwardSpeedup, patienceFactor } from '../limits.ts';
import { orderAudits } from '../verification/audit.ts';
import { nodesOf } from '../../topology/overlay.ts';
import { forgetStrangers } from '../members/members.ts';
import { isTrained, progressOf, stepBudget } from '../pace/progress.ts';
import { completeSpeeds, innerStepsAt, learningRateAt, shareSteps, slotSeed, tokensPerStep } from '../pace/schedule.ts';
import { regroup } from '../members/swarm.ts';
import { change, record, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Member, Part, RoomState, RoundNode, Work } from '../types.ts';
import { readyMembers } from '../views.ts';

interface Participant {
  member: Member;
  speed: number; // tokens per second
  steps: number;
}

/** Opens the next round as soon as its state is agreed and enough workers hold it. */
export function openWhenReady(turn: Turn): void {
  const { state, now } = turn;
  if (state.open !== null || state.agreement !== null || state.rejoining !== null) return;
  const { min, max } = state.manifest.spec.resources.workers;
  const ready = willing(readyMembers(state), state);
  if (ready.length < min || state.phase === 'finishing' || isTrained(state, now)) return;
  if (state.startedAt === null) start(turn, ready.length);
  forgetStrangers(turn);
  const carried = takeAhead(turn);
  const free = ready.filter(({ workerId }) => carried[workerId] === undefined);
  const chosen = free.slice(0, Math.max(0, max - Object.keys(carried).length)); // the others are the reserve
  const checkers = orderAudits(turn, chosen);
  const budget = stepsLeft(turn.state, carried);
  const training = chosen.filter(({ workerId }) => !checkers.has(workerId));
  const able = budget < training.length ? useful(training) : training;
  const atWork = Object.keys(carried).map((id) => turn.state.members[id]!);
  openRound(turn, shareWork(turn.state, able, now, budget, atWork), carried);
}

/** Whoever was of no use again and again keeps others waiting: it rests while there are enough without it. */
function willing(ready: readonly Member[], { round, manifest }: RoomState): Member[] {
  const rested = ready.filter(({ restsUntil }) => restsUntil <= round);
  return rested.length >= manifest.spec.resources.workers.min ? rested : [...ready];
}

/** The last steps, fewer than there are workers, are not for one that only has to be there because the job needs so many. */
function useful(members: readonly Member[]): readonly Member[] {
  const found = members.filter(({ misses }) => misses === 0);
  return found.length > 0 ? found : members;
}

function start(turn: Turn, workers: number): void {
  change(turn, { startedAt: turn.now, checkpointAt: turn.now });
  record(turn, 'job.started', { workers });
}

/** What was begun in earlier rounds and may still go into this one. */
function takeAhead(turn: Turn): Record<string, Work> {
  const { ahead, round, members } = turn.state;
  const fresh = Object.entries(ahead).filter(
    ([id, work]) => members[id] !== undefined && isFresh(turn.state, round, work),
  );
  if (Object.keys(ahead).length > 0) change(turn, { ahead: {} });
  return Object.fromEntries(fresh);
}

function stepsLeft(state: RoomState, carried: Readonly<Record<string, Work>>): number {
  const begun = Object.values(carried).reduce((sum, { assignment }) => sum + assignment.steps, 0);
  return Math.max(0, stepBudget(state) - begun);
}

function openRound(turn: Turn, participants: readonly Participant[], carried: Readonly<Record<string, Work>>): void {
  regroup(turn, [...Object.keys(carried), ...participants.map(({ member }) => member.workerId)]);
  const { state, now } = turn;
  const { round } = state;
  const givenMs = roundTimeMs(state.recentRoundMs, trainingMs(state, participants), state.attempts);
  const deadlineMs = now + givenMs;
  const adding = addingOf(
    state,
    participants.map(({ member }) => member.workerId),
  );
  const works = { ...carried, ...newWork(state, participants, now, deadlineMs, adding?.segments) };
  const nodes = nodesThatWork(state, Object.keys(works)).map((node) => ({ ...node, ...(adding && { adding }) }));
  const noticeAt = Object.values(works).some(({ commit }) => commit !== null) ? now : null;
  const times = { openedAt: now, givenMs, deadlineMs, progressAt: now, waitedMs: 0, noticeAt };
  const pending = { extensions: 0, shareAt: null, settleAt: null, revealedAt: null, gate: null };
  const open = { round, nodes: { ...nodes }, parts: partsOf(works, nodes), ...times, ...pending };
  change(turn, { phase: 'running', open });
  for (const { member } of participants) {
    const { workerId } = member;
    send(turn, workerId, { type: 'assign', assignment: works[workerId]!.assignment });
  }
}

function newWork(
  state: RoomState,
  participants: readonly Participant[],
  now: number,
  deadlineMs: number,
  segments: number | undefined,
): Record<string, Work> {
  const { round, manifest } = state;
  const learningRate = learningRateAt(manifest.spec.optimizer, progressInside(state, participants, now));
  const evaluator = chooseEvaluator(state, participants);
  const works = participants.map(({ member: { workerId }, steps }, slot): [string, Work] => {
    const seed = slotSeed(manifest.spec.seed, round, slot);
    const evaluate = workerId === evaluator?.workerId;
    const what = { round, slot, seed, steps, learningRate, evaluate, deadlineMs, ...(segments && { segments }) };
    return [workerId, { assignment: what, commit: null }];
  });
  return Object.fromEntries(works);
}

function partsOf(works: Readonly<Record<string, Work>>, nodes: readonly RoundNode[]): Record<string, Part> {
  const groups = nodes.flatMap(({ members, children }, index) =>
    children.length > 0 ? [] : members.map((id): [string, number] => [id, index]),
  );
  const groupOf = new Map(groups);
  const parts = Object.entries(works).map(([id, { assignment, commit }]): [string, Part] => {
    const received = commit === null ? [] : [commit.hash];
    const heard = { isAnnounced: false, voice: 'unheard' as const, received, early: [] };
    return [id, { assignment, node: groupOf.get(id)!, commit, ...heard }];
  });
  return Object.fromEntries(parts);
}

/** The overlay's nodes with those that take part in the round. */
function nodesThatWork({ overlay, members }: RoomState, ids: readonly string[]): RoundNode[] {
  const working = new Set(ids);
  const groups = overlay.groups
    .map((group) => group.filter((id) => working.has(id)))
    .filter((group) => group.length > 0);
  const nodes = nodesOf({ ...overlay, groups }, (id) => members[id]?.present === true);
  const empty = { inputs: null, dueAt: 0, folders: {}, fold: null, isDone: false };
  return nodes.map((node) => ({ ...node, ...empty }));
}

/**
 * Steps in proportion to speed, fewer where the end of the run is near. Whoever would get none sits the round out.
 * @param atWork who is at work already: nobody is asked for more than the fastest of all
 */
export function shareWork(
  state: RoomState,
  members: readonly Member[],
  now: number,
  budget: number,
  atWork: readonly Member[] = [],
): Participant[] {
  const speeds = completeSpeeds([...members, ...atWork].map((member) => member.tokensPerSecond));
  const fastest = speeds.reduce((a, b) => Math.max(a, b), 0);
  const steps = shareSteps(speeds.slice(0, members.length), innerSteps(state, now), budget, fastest);
  return members
    .map((member, index) => ({ member, speed: speeds[index]!, steps: steps[index]! }))
    .filter((participant) => participant.steps > 0);
}

/** The manifest's local steps, or as many as still fit before maxDuration. */
function innerSteps(state: RoomState, now: number): number {
  const { maxDuration } = state.manifest.spec.runtime;
  const innerSteps = innerStepsAt(state.manifest.spec.rounds, state.round);
  if (maxDuration === undefined || state.startedAt === null || state.recentRoundMs.length === 0) return innerSteps;
  const leftMs = state.startedAt + maxDuration - now;
  const fits = Math.floor((innerSteps * leftMs) / median(state.recentRoundMs));
  return Math.max(1, Math.min(innerSteps, fits));
}

/** How long the local steps should take; 0 while nobody's speed is known. */
function trainingMs(state: RoomState, participants: readonly Participant[]): number {
  const known = participants.filter(({ member }) => member.tokensPerSecond > 0);
  const durations = known.map(({ steps, speed }) => (1000 * steps * tokensPerStep(state.manifest)) / speed);
  if (durations.length === 0) return 0;
  return Math.min(patienceFactor * median(durations), Math.max(...durations));
}

function typicalRoundMs(state: RoomState, participants: readonly Participant[]): number {
  return state.recentRoundMs.length > 0 ? median(state.recentRoundMs) : trainingMs(state, participants);
}

/** Progress of the run at the middle of this round. */
export function progressInside(state: RoomState, participants: readonly Participant[], now: number): number {
  const { maxTokens, maxDuration } = state.manifest.spec.runtime;
  const steps = participants.reduce((sum, participant) => sum + participant.steps, 0);
  const byTokens = maxTokens === undefined ? 0 : (steps * tokensPerStep(state.manifest)) / maxTokens;
  const byTime = maxDuration === undefined ? 0 : typicalRoundMs(state, participants) / maxDuration;
  return Math.min(1, progressOf(state, now) + Math.max(byTokens, byTime) / 2);
}

/** Takes turns among the fast ones; nobody while the last measurement is too fresh for what one costs. */
export function chooseEvaluator(state: RoomState, participants: readonly Participant[]): Member | null {
  if (participants.length === 0) return null;
  const fastest = participants.reduce((speed, participant) => Math.max(speed, participant.speed), 0);
  const fast = participants.filter((participant) => participant.speed >= fastest / 2);
  const chosen = fast[state.round % fast.length]!;
  const last = state.losses.findLast((point) => point.validationLoss !== null);
  const evaluationMs = (1000 * state.validationTokens) / (forwardSpeedup * chosen.speed);
  const affordable = evaluationShare * typicalRoundMs(state, participants);
  const interval = affordable > 0 ? Math.max(1, Math.ceil(evaluationMs / affordable)) : 1;
  return last === undefined || state.round - last.round >= interval ? chosen.member : null;
}

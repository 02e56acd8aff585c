// Commitments before anything is revealed: in a job with verification peers hear of commits only when everyone the round waits
// for has committed, or the deadline has passed, and nobody may commit after that. So nobody can send what it saw of others.

import { median } from '../../median.ts';
import { isRepeatable, verificationSettings } from '../../manifest/verification.ts';
import { createRandom } from '../../random.ts';
import type { Random } from '../../random.ts';
import { isGood, standingOf } from '../../verification/court.ts';
import { openGate } from '../../verification/gate.ts';
import { gateProbability } from '../../verification/standing.ts';
import { maxExtensions } from '../limits.ts';
import { askJudges, contributionsOf } from './measure.ts';
import { tokensPerStep } from '../pace/schedule.ts';
import { changeOpen } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, RoomState } from '../types.ts';
import { afterVainWait, isVerified, liveParts } from '../views.ts';

/** Held-out tokens of one measurement, as a part of a shard; so much more of its work, or a third of that a judge, the gate costs. */
const gateShare = 0.1;
const maxGateTokens = 4096;
const leastWindows = 4;

export function revealWhenCommitted(turn: Turn): void {
  const { state, now } = turn;
  const { open } = state;
  if (open === null || open.revealedAt !== null || state.rejoining !== null || !isVerified(state)) return;
  const live = liveParts(state, open);
  const committed = Object.values(open.parts).filter(({ commit }) => commit !== null).length;
  const isWhole = live.length > 0 && live.every(({ commit }) => commit !== null);
  const needed = Math.max(1, Math.ceil(state.manifest.spec.rounds.quorum * live.length));
  const isDue = now >= open.deadlineMs && (committed >= needed || open.extensions >= maxExtensions);
  if (committed === 0 || !(isWhole || isDue)) return;
  const deadlineMs = Math.max(open.deadlineMs, now + open.givenMs);
  changeOpen(turn, { revealedAt: now, noticeAt: now, deadlineMs, ...afterVainWait(open, now) });
  if (verificationSettings(state.manifest.spec.verification).gate) beginGate(turn);
}

function beginGate(turn: Turn): void {
  const { state } = turn;
  const open = state.open!;
  const contributions = contributionsOf(open);
  const random = commitRandom(state, open);
  const judges = contributions.map(({ workerId }) => workerId).filter((id) => isGood(state.court, id));
  const [seed, tokens] = [random.uint32(), gateTokens(state, open)];
  const hasAudits = isRepeatable(state.manifest.spec.verification);
  const chanceOf = (id: string): number => gateProbability(standingOf(state.court, id), hasAudits);
  const gate = openGate(contributions, chanceOf, judges, random);
  changeOpen(turn, { gate: { seed, tokens, state: gate } });
  askJudges(turn, gate.asked);
}

/** Drawn from what all have committed to, which nobody knows before. */
function commitRandom({ manifest }: RoomState, open: OpenRound): Random {
  const mixed = contributionsOf(open).reduce((sum, { hash }) => sum ^ Number.parseInt(hash.slice(0, 8), 16), 0);
  return createRandom(manifest.spec.seed, open.round, mixed >>> 0);
}

function gateTokens({ manifest }: RoomState, open: OpenRound): number {
  const shard = median(Object.values(open.parts).map(({ assignment }) => assignment.steps)) * tokensPerStep(manifest);
  const least = leastWindows * (manifest.spec.model.context ?? 1);
  return Math.max(least, Math.min(maxGateTokens, Math.round(gateShare * shard)));
}

// The curve of losses: one point a closed round.

import type { AcceptedContribution } from '../../protocol/messages.ts';
import { maxLossPoints } from '../limits.ts';
import type { LossPoint, OpenRound, RoomState } from '../types.ts';

export function lossPoint(
  state: RoomState,
  open: OpenRound,
  accepted: readonly AcceptedContribution[],
  at: number,
): LossPoint {
  const tokens = accepted.reduce((sum, contribution) => sum + contribution.tokens, 0);
  const weighted = accepted.reduce((sum, { workerId, tokens }) => sum + open.parts[workerId]!.commit!.loss * tokens, 0);
  const validationLoss = validationOf(open)?.loss ?? null;
  return { round: open.round, tokens: state.tokens + tokens, trainLoss: weighted / tokens, validationLoss, at };
}

/** What the evaluator measured, whether or not its contribution was accepted. */
export function validationOf(open: OpenRound): { loss: number; tokens: number } | null {
  return Object.values(open.parts).find((part) => part.commit?.validation)?.commit?.validation ?? null;
}

/** Halves the density of all but the newest quarter; keeps the first point. */
export function thin(points: LossPoint[]): LossPoint[] {
  if (points.length <= maxLossPoints) return points;
  const recentFrom = points.length - Math.floor(maxLossPoints / 4);
  return points.filter((_, index) => index % 2 === 0 || index >= recentFrom);
}

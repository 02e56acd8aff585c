// Going back: the payloads that lead to the current state are gone with the workers that had them. The job continues from
// the latest state that is still there: one that a present worker holds, else the checkpoint, else the seed's.

import { resync } from './agree.ts';
import { credit } from '../closing/accounts.ts';
import { change, record } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { RoomState } from '../types.ts';
import { agreedHash, agreedRounds } from '../views.ts';

export function rewind(turn: Turn): void {
  const { state, now } = turn;
  const to = latestRound(state);
  const stateHash = agreedHash(state, to);
  const reason = `no worker holds round ${state.round} or can rebuild it; going back to round ${to}`;
  undo(turn, to);
  const agreement = stateHash === null ? { since: now, quorumAt: null } : null;
  change(turn, {
    round: to,
    stateHash,
    agreement,
    open: null,
    ahead: {},
    lostSince: null,
    lease: null,
    asked: {},
    shards: [],
    attempts: 0,
  });
  if (state.phase === 'finishing') change(turn, { phase: 'waiting' }); // there may be rounds to train again
  record(turn, 'round.rewound', { from: state.round, to, reason });
  for (const id of Object.keys(turn.state.members)) resync(turn, id, reason);
}

/** Takes back what the rounds from `to` on had added. */
function undo(turn: Turn, to: number): void {
  const { log, losses, stateHashes, spent } = turn.state;
  const undone = log.filter((closed) => closed.round >= to);
  const credits = undone.map((closed) => closed.credits);
  const tokens = turn.state.tokens - credits.flatMap((each) => Object.values(each)).reduce((a, b) => a + b, 0);
  const respent = undone.reduce((sum, closed) => sum + closed.spent, 0); // who trains a round again may send the same bits
  const lost = Math.max(0, agreedRounds(turn.state) - to);
  const kept = log.filter((closed) => closed.round < to);
  change(turn, {
    tokens,
    log: kept,
    spent: spent.slice(0, Math.max(0, spent.length - respent)),
    losses: losses.filter(({ round }) => round < to),
    stateHashes: stateHashes.slice(0, Math.max(0, stateHashes.length - lost)),
  });
  for (const each of credits) credit(turn, each, -1);
}

/** The latest round whose agreed state a present member holds, or that can be restored. */
function latestRound(state: RoomState): number {
  const held = Object.values(state.members)
    .filter(({ present, holds }) => present && holds !== null && agreedHash(state, holds.round) === holds.stateHash)
    .map((member) => member.holds!.round);
  return Math.max(state.checkpoint?.round ?? 0, ...held);
}

// Audits in the room: before a round opens some workers are asked to compute shards of the last one again instead of training,
// and what they say goes to the court.

import { verificationSettings } from '../../manifest/verification.ts';
import type { Audit, WorkerMessage } from '../../protocol/messages.ts';
import { createRandom } from '../../random.ts';
import { isSameShard } from '../../verification/compare.ts';
import { convene, isGood, testified } from '../../verification/court.ts';
import type { Order, Shard } from '../../verification/trial.ts';
import { sentence } from './sentence.ts';
import { change, record, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Member, OpenRound } from '../types.ts';

type Audited = Extract<WorkerMessage, { type: 'audited' }>;

const drawing = 0xa0d17; // the random stream that draws audits

/** Orders the audits of a round that is about to open. Returns who is busy with them; never all. */
export function orderAudits(turn: Turn, ready: readonly Member[]): ReadonlySet<string> {
  const { court, round, shards, manifest, stateHash } = turn.state;
  const { audits: share } = verificationSettings(manifest.spec.verification);
  if (share === 0 || ready.length < 2) return new Set();
  const checkers = ready.map(({ workerId }) => workerId).filter((id) => isGood(court, id));
  const chance = Number.parseInt(stateHash!.slice(0, 8), 16); // nobody knew it when the shards were committed
  const random = createRandom(manifest.spec.seed, round, chance, drawing);
  const convened = convene(court, round, { shards, checkers, share, random });
  change(turn, { shards: [] });
  sentence(turn, convened.court);
  for (const [checker, orders] of byChecker(convened.orders)) {
    send(turn, checker, { type: 'audit', audits: orders.map(({ shard }) => auditOf(shard)) });
  }
  return new Set(convened.orders.map(({ checker }) => checker));
}

function byChecker(orders: readonly Order[]): Map<string, Order[]> {
  const found = new Map<string, Order[]>();
  for (const order of orders) found.set(order.checker, [...(found.get(order.checker) ?? []), order]);
  return found;
}

/** Whose it is stays with the room. */
function auditOf({ workerId: _, ...audit }: Shard): Audit {
  return audit;
}

export function audited(turn: Turn, id: string, { hash, likeness }: Audited): void {
  const trial = turn.state.court.trials.find(({ shard, votes }) => shard.hash === hash && votes[id] === null);
  if (trial === undefined) return;
  const { workerId, round } = trial.shard;
  const isSame = likeness === null ? null : isSameShard(likeness);
  record(turn, 'shard.audited', { round, workerId, auditor: id, cosine: likeness?.cosine ?? null, isSame });
  sentence(turn, testified(turn.state.court, id, hash, likeness));
}

/** What of a round that closes can be computed again. */
export function shardsOf({ round, parts }: OpenRound): Shard[] {
  return Object.entries(parts).flatMap(([workerId, { commit, assignment }]) => {
    const { slot, seed, steps, learningRate } = assignment;
    return commit === null ? [] : [{ round, workerId, hash: commit.hash, slot, seed, steps, learningRate }];
  });
}

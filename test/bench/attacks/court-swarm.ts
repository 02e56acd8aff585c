// A swarm without training, for what checks find and cost over thousands of rounds: right work is one vector, wrong work
// another, and what the loss gate measures is drawn by chance. The court is the one of a job's room.

import { createRandom } from '../../../shared/random.ts';
import type { Shard } from '../../../shared/verification/trial.ts';
import { BenchCourt } from './bench-court.ts';
import type { Checks, Judging } from './bench-court.ts';

export interface CourtSwarm {
  readonly honest: number;
  readonly liars: number;
  readonly rounds: number;
  readonly audits: number; // share of the work
  readonly seed: number;
  readonly judges: Judging;
  readonly works: 'wrongly' | 'rightly' | 'rightly but two'; // of the liars
}

const right = Float32Array.of(1, 0);
const wrong = Float32Array.of(0, 1);
const tokens = 960;
const before = 3; // nats
/** Of the improvement by one contribution: so uneven that the gate refuses one honest contribution in eight, as in `bench:attacks`. */
const unevenness = 1.2;

export async function runCourtSwarm(swarm: CourtSwarm): Promise<Checks> {
  const { audits, seed, judges, works } = swarm;
  const court = new BenchCourt({ gate: true, audits }, seed, judges);
  const ids = [...idsOf('honest', swarm.honest), ...idsOf('liar', swarm.liars)];
  const liesInWork = idsOf('liar', works === 'wrongly' ? swarm.liars : works === 'rightly' ? 0 : 2);
  const work = (id: string): Float32Array => (liesInWork.includes(id) ? wrong : right);
  const chance = createRandom(seed, 77);
  for (let round = 0; round < swarm.rounds; round++) {
    const present = ids.filter((id) => !court.isBanned(id));
    const busy = await court.convene(present, async () => right);
    const sent = present.filter((id) => !busy.includes(id)).map((id) => contributionOf(id, round));
    const decoded = sent.map((one) => ({ ...one, difference: work(one.workerId) }));
    const gains = new Map(sent.map(({ hash }) => [hash, 0.05 * (1 + unevenness * chance.normal())]));
    const shards = sent.map(({ workerId, hash, slot }) => shardOf(workerId, hash, slot, round));
    const free = sent.map(({ workerId }) => workerId);
    await court.judge(sent, decoded, shards, free, async (hash) => before - (hash === null ? 0 : gains.get(hash)!));
  }
  return court.checks;
}

function idsOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, place) => `${name} ${place}`);
}

function contributionOf(workerId: string, round: number) {
  return { workerId, hash: `${workerId} ${round}`, slot: 0, payload: new Uint8Array(0), tokens };
}

function shardOf(workerId: string, hash: string, slot: number, round: number): Shard {
  return { round, workerId, hash, slot, seed: 0, steps: 1, learningRate: 1 };
}

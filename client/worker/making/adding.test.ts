// Rings that add up: real rooms, real WebRTC, real training, and every byte counted.

import { expect, test, vi } from 'vitest';
import type { ManifestInput } from '../../../shared/manifest/manifest.ts';
import type { Trainer } from '../../train/trainer.ts';
import { createCpuTrainer, eventsOf, startTinyWorker, submitTinyJob } from '../testing/tiny-job.ts';
import type { EventData } from '../testing/tiny-job.ts';
import { TinySwarm } from '../testing/tiny-swarm.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const swarm = new TinySwarm();
const { workers } = swarm;

type Rounds = ManifestInput['spec']['rounds'];
interface Trained {
  readonly closed: EventData<'round.closed'>[];
  readonly sent: number[]; // bytes of each worker, in all rounds
  readonly received: number[];
}

/** A whole job of so many rounds among workers that all begin with it. */
async function train(rounds: Rounds, count: number, roundCount = 4, start = startTinyWorker): Promise<Trained> {
  const maxTokens = roundCount * count * 640; // 10 steps of 4 windows of 16 tokens
  const job = await submitTinyJob(swarm.client, { maxTokens }, { min: count, max: count }, rounds);
  for (let index = 0; index < count; index++) workers.push(start(swarm.coordinator));
  await Promise.all(workers.map((worker) => worker.done));
  expect((await swarm.client.getJob(job.id)).state).toBe('completed');
  const closed = await eventsOf(swarm.coordinator, job.id, 'round.closed');
  const agreed = await eventsOf(swarm.coordinator, job.id, 'round.agreed');
  expect(agreed.map(({ dissent }) => dissent)).toEqual(closed.map(() => 0));
  const stats = workers.map((worker) => worker.snapshot().exchange!);
  return {
    closed,
    sent: stats.map(({ bytesSent }) => bytesSent),
    received: stats.map(({ bytesReceived }) => bytesReceived),
  };
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/**
 * Payloads that all workers together have to send: of k who took part in a round that adds up each sends 2(k-1)/k, and those who
 * sat it out are sent the whole; elsewhere each sends its own to all others.
 */
function payloadsIn({ closed, sent: { length: count } }: Trained): number {
  return total(
    closed.map(({ accepted: { length: taken }, applied }) =>
      applied === undefined ? taken * (count - 1) : 2 * (taken - 1) + count - taken,
    ),
  );
}

/** What was sent for each byte that had to be. */
function overhead(trained: Trained): number {
  const payloadBytes = trained.closed[0]!.accepted[0]!.bytes;
  return total(trained.sent) / (payloadBytes * payloadsIn(trained));
}

/** With COUNT=1: payloads that a worker sent a round, on average. */
function show(kind: string, { closed, sent }: Trained): void {
  const { bytes } = closed[0]!.accepted[0]!;
  const payloads = total(sent) / bytes / closed.length / sent.length;
  console.log(
    `${kind} ${sent.length}: ${closed.length} rounds, payloads of ${bytes} B, ${payloads.toFixed(3)} sent a worker and round`,
  );
}

test.each([4, 8])('%i workers: a ring sends 2(n-1)/n of a payload a worker and round, a mesh n-1', async (count) => {
  const ring = await train({ topology: 'ring', compression: 'none' }, count);
  const full = ring.closed.filter(({ accepted }) => accepted.length === count);
  const added = full.filter(({ applied }) => applied?.[0]?.folds === count);
  expect(added.length).toBeGreaterThan(full.length / 2); // a machine that is busy may be too late for one
  expect(total(ring.received)).toBeGreaterThan(0.9 * total(ring.sent));
  workers.splice(0);
  const mesh = await train({ topology: 'mesh', compression: 'none' }, count);
  if (process.env['COUNT']) for (const [kind, trained] of Object.entries({ ring, mesh })) show(kind, trained);
  for (const trained of [ring, mesh]) expect(overhead(trained)).toBeGreaterThan(0.98);
  expect(overhead(ring)).toBeLessThan(1.35); // headers; now and then a sum is checked, or a payload relayed
});

test('int8 payloads are added up as well', async () => {
  const { closed } = await train({ topology: 'ring', compression: 'int8' }, 4);
  const added = closed.filter(({ accepted, applied }) => applied?.[0]?.folds === accepted.length);
  expect(added.length).toBeGreaterThan(closed.length / 3);
});

/** A trainer that in its nth sum does something and never comes to an end with it. */
function stuckIn(nth: number, meanwhile: () => void): Trainer {
  const trainer = createCpuTrainer();
  const sum: Trainer['sum'] = trainer.sum.bind(trainer);
  let asked = 0;
  trainer.sum = (...args) => {
    if (++asked !== nth) return sum(...args);
    meanwhile();
    return new Promise(() => {});
  };
  return trainer;
}

test.each(['leaves', 'falls silent'])(
  'a worker that %s in the middle of a sum: the round closes with the work of the others, handed on whole',
  async (how) => {
    const job = await submitTinyJob(
      swarm.client,
      { maxTokens: 8 * 4 * 640 },
      { min: 3, max: 4 },
      { topology: 'ring', compression: 'none' },
    );
    const createTrainer = (): Trainer => stuckIn(2, () => (how === 'leaves' ? void lost.stop() : undefined));
    for (let index = 0; index < 3; index++) workers.push(startTinyWorker(swarm.coordinator));
    const lost = startTinyWorker(swarm.coordinator, { createTrainer });
    workers.push(lost);
    await Promise.all(workers.slice(0, 3).map((worker) => worker.done));
    expect((await swarm.client.getJob(job.id)).state).toBe('completed');
    const closed = await eventsOf(swarm.coordinator, job.id, 'round.closed');
    const whole = closed.filter(({ applied }) => applied === undefined);
    const added = closed.filter(({ applied }) => applied !== undefined);
    const others = workers.slice(0, 3).map((worker) => worker.snapshot().workerId);
    expect(whole[0]!.accepted.map(({ workerId }) => workerId)).toEqual(expect.arrayContaining(others));
    expect(added.at(-1)!.round).toBeGreaterThan(whole[0]!.round); // it is tried again
    const agreed = await eventsOf(swarm.coordinator, job.id, 'round.agreed');
    expect(agreed.map(({ dissent }) => dissent)).toEqual(closed.map(() => 0));
  },
);

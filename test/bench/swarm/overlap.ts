// What `rounds.overlap` gains in time: two real workers over real WebRTC on bad lines (20 Mbit/s, 50 ms there and back), once in turn
// and once overlapping, with the same fragments and so the same bytes. Training takes a set time, as on a GPU of its own, because
// on cores that other work shares nothing else could be told apart.
//   npm run bench:swarm -- --overlap [--json FILE]

import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { emulateLinks } from '../../../client/exchange/testing/link-emulator.ts';
import { startCoordinator } from '../../../client/node/embed/embed.ts';
import type { Embedded } from '../../../client/node/embed/embed.ts';
import { LoomOSClient } from '../../../client/sdk/client.ts';
import type { Trainer } from '../../../client/train/trainer.ts';
import { createCpuTrainer, eventsOf, startTinyWorker } from '../../../client/worker/testing/tiny-job.ts';
import { utf8 } from '../../../shared/bytes.ts';
import type { ManifestInput } from '../../../shared/manifest/manifest.ts';

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly dense: number; // no control exists for these: 0
  readonly seeds: number;
}

const workers = 2;
const trainingMs = 3_000;
const line = { delayMs: 25, loss: 0, megabitsPerSecond: 20, queueMs: 200 };
/** The first ones have links to open and speeds to learn, the last ones have less to do. */
const rounds = { before: 4, counted: 16, after: 2 };
const model = { kind: 'gpt', layers: 2, heads: 4, width: 192, context: 4 } as const;

export async function measureOverlap(say: (text: string) => void) {
  const [inTurn, overlapping] = [await secondsOfRound(false), await secondsOfRound(true)];
  const rows = [
    row('in turn', 's a round', inTurn.seconds),
    row('overlapping', 's a round', overlapping.seconds),
    row('training', 's a round', trainingMs / 1000),
    row('payload', 'kB a worker and round', inTurn.bytes / 1000),
  ];
  for (const { name, value, unit } of rows) say(`${name}: ${value} ${unit}`);
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
  return { rows, line, machine, date: new Date().toISOString() };
}

async function secondsOfRound(overlap: boolean): Promise<{ seconds: number; bytes: number }> {
  const data = await mkdtemp(join(tmpdir(), 'loomos-overlap-'));
  const coordinator = await startCoordinator({ data, port: 0, page: false });
  const emulator = emulateLinks(line, 1);
  try {
    return await playJob(coordinator, overlap);
  } finally {
    emulator.stop();
    await coordinator.close();
    rmSync(data, { recursive: true, force: true });
  }
}

async function playJob(coordinator: Embedded, overlap: boolean): Promise<{ seconds: number; bytes: number }> {
  const client = new LoomOSClient(coordinator);
  const { sha256 } = await client.uploadDataset(utf8('Call me Ishmael. '.repeat(500)), { source: 'a bench' });
  const job = await client.submitJob(manifestOf(`dataset:${sha256}`, overlap));
  const createTrainer = (): Trainer => paced(createCpuTrainer());
  const all = Array.from({ length: workers }, () => startTinyWorker(coordinator, { createTrainer }));
  await Promise.all(all.map((worker) => worker.done));
  const closed = await eventsOf(coordinator, job.id, 'round.closed');
  const times = await closingTimes(coordinator, job.id);
  const [from, to] = [times[rounds.before - 1], times[rounds.before + rounds.counted - 1]];
  if (from === undefined || to === undefined) throw new Error(`only ${times.length} rounds closed`);
  const largest = closed.flatMap(({ accepted }) => accepted.map(({ bytes }) => bytes));
  return { seconds: (to - from) / 1000 / rounds.counted, bytes: Math.max(...largest) };
}

/** Unix ms, by round. */
async function closingTimes({ url }: Embedded, jobId: string): Promise<number[]> {
  const response = await fetch(`${url}/api/v1/ledger/events?subject=${jobId}&type=round.closed&limit=1000`);
  const { events } = (await response.json()) as { events: { at: number }[] };
  return events.map(({ at }) => at);
}

function manifestOf(source: string, overlap: boolean): ManifestInput {
  const total = rounds.before + rounds.counted + rounds.after;
  return {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'overlap' },
    spec: {
      algorithm: 'lm',
      model,
      data: { source },
      optimizer: { batchSize: 1 },
      rounds: { innerSteps: 1, compression: 'none', fragments: 2, overlap },
      resources: { workers: { min: workers, max: workers } },
      runtime: { maxTokens: total * workers * model.context },
    },
  };
}

/** Trains for a set time, whatever the machine. */
function paced(trainer: Trainer): Trainer {
  const train: Trainer['train'] = trainer.train.bind(trainer);
  trainer.train = async (...args) => {
    const startedAt = performance.now();
    const contribution = await train(...args);
    await sleep(Math.max(0, trainingMs - (performance.now() - startedAt)));
    return { ...contribution, seconds: trainingMs / 1000 };
  };
  return trainer;
}

function row(name: string, unit: string, value: number): Row {
  const about = `${workers} workers, ${line.megabitsPerSecond} Mbit/s, ${2 * line.delayMs} ms there and back, ${name}`;
  return { name: about, unit, value: Number(value.toPrecision(3)), dense: 0, seeds: 1 };
}

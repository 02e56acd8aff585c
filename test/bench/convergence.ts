// What collaborating costs in loss: trains a manifest with W virtual workers in this process, through the real trainer, codec
// and outer step, and prints tokens, validation loss and seconds. Workers take turns, so wall time is W times a real run's.
//   node test/bench/convergence.ts [MANIFEST] [--workers 1,2] [--set spec.optimizer.learningRate=0.004]…

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { readSource } from '../../client/cli/source.ts';
import { LocalTrainer } from '../../client/train/local-trainer.ts';
import type { ChooseDevice } from '../../client/train/local-trainer.ts';
import type { Contribution } from '../../client/train/trainer.ts';
import { openCpu } from '../../kernels/device/cpu.ts';
import { parseManifest } from '../../shared/manifest/manifest.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { learningRateAt, shareSteps, slotSeed, tokensPerStep } from '../../shared/rounds/schedule.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { workers: { type: 'string', default: '1,2' }, set: { type: 'string', multiple: true, default: [] } },
});
const path = positionals[0] ?? 'examples/moby-dick.yaml';
const manifest = readManifest(path, values.set);
const data = (await readSource(manifest.spec.data.source, dirname(path)))!;
for (const workers of values.workers.split(',').map(Number)) await runJob(workers);

async function runJob(workers: number): Promise<void> {
  const startedAt = performance.now();
  const trainers = await Promise.all(Array.from({ length: workers }, () => openTrainer()));
  const tokensAtEnd = manifest.spec.runtime.maxTokens ?? 500_000;
  let tokens = 0;
  let bytes = 0;
  for (let round = 0; tokens < tokensAtEnd; round++) {
    const contributions = await trainRound(trainers, round, tokens, tokensAtEnd);
    await applyRound(trainers, round, contributions);
    tokens += contributions.reduce((sum, contribution) => sum + contribution.tokens, 0);
    bytes += contributions.reduce((sum, { payload }) => sum + payload.length, 0);
    const validation = contributions[0]!.validation;
    if (validation) console.log(`  round ${round}  validation ${validation.loss.toFixed(3)} before it`);
  }
  const { evaluation } = await trainers[0]!.artifact();
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${workers} workers, ${tokens} tokens: validation loss ${evaluation.loss.toFixed(3)} over ${evaluation.tokens} tokens ` +
      `(unigram ${evaluation.unigramLoss.toFixed(2)}, bigram ${evaluation.bigramLoss.toFixed(2)}), ` +
      `${(bytes / tokens).toFixed(1)} bytes sent a token, ${seconds.toFixed(0)} s`,
  );
  for (const trainer of trainers) await trainer.close();
}

async function openTrainer(): Promise<LocalTrainer> {
  const cpu: ChooseDevice = async () => ({ device: openCpu(), why: 'the only one measured here', stepsPerSecond: 0 });
  const trainer = new LocalTrainer(cpu);
  await trainer.open({ manifest, data, backend: 'cpu' });
  return trainer;
}

async function trainRound(trainers: LocalTrainer[], round: number, tokens: number, tokensAtEnd: number) {
  const { optimizer, rounds } = manifest.spec;
  const perStep = tokensPerStep(manifest);
  const budget = Math.ceil((tokensAtEnd - tokens) / perStep);
  const shares = shareSteps(
    trainers.map(() => 1),
    rounds.innerSteps,
    budget,
  );
  const middle = tokens + (shares.reduce((a, b) => a + b) * perStep) / 2;
  const learningRate = learningRateAt(optimizer, Math.min(1, middle / tokensAtEnd));
  const contributions: Contribution[] = [];
  for (const [slot, trainer] of trainers.entries()) {
    const seed = slotSeed(manifest.spec.seed, round, slot);
    const evaluate = slot === 0 && round % 10 === 0;
    const steps = Math.max(1, shares[slot]!);
    contributions.push(
      await trainer.train({ round, slot, seed, steps, learningRate, evaluate, deadlineMs: 0 }, () => {}),
    );
  }
  return contributions;
}

async function applyRound(trainers: LocalTrainer[], round: number, contributions: Contribution[]): Promise<void> {
  const hashes = new Set<string>();
  for (const trainer of trainers) hashes.add((await trainer.apply(round, contributions)).stateHash);
  if (hashes.size !== 1) throw new Error(`round ${round}: the workers hold different states`);
}

function readManifest(file: string, settings: readonly string[]): Manifest {
  const value = parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  for (const setting of settings) {
    const [key, text] = setting.split('=') as [string, string];
    const keys = key.split('.');
    let at = value;
    for (const part of keys.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[keys.at(-1)!] = parse(text);
  }
  return parseManifest(value);
}

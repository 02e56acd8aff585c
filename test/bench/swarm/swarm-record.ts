// What `npm run bench:swarm` has measured so far, kept in its JSON file after every run, so that a run that was stopped goes on
// where it was. Rows are computed from the runs: losses against dense runs of the same seeds and tokens.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** One job trained to its end. */
export interface SwarmRun {
  readonly setting: string;
  readonly part: string; // what is compared with each other: the same model, workers and tokens
  readonly seed: number;
  readonly job: string; // everything that decides the result, as text
  readonly loss: number; // nats a byte, validation
  readonly tokens: number;
  readonly rounds: number;
  readonly parameters: number;
  readonly payloadBytes: number; // of all workers; 0 where nothing is exchanged
  readonly largestPayload?: number; // bytes; unknown in older records
  readonly denseBytes: number; // of all workers, had each sent a float32 gradient in every step
  readonly seconds: number;
}

export interface SwarmRow {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly dense: number; // the same of dense all-reduce
  readonly seeds: number;
  readonly spread?: number; // standard deviation over the seeds
}

export const dense = 'dense all-reduce in every step';
export const denseMuon = 'dense all-reduce in every step, Muon';
export const alone = 'one worker alone';
export const aloneMuon = 'one worker alone, Muon';

export class SwarmRecord {
  readonly #file: string | null;
  readonly #runs: SwarmRun[];

  /**
   * @param file null keeps nothing
   * @param asNow a kept job as it would be written now: manifests get more fields with time
   */
  constructor(file: string | null, asNow: (job: string) => string = (job) => job) {
    this.#file = file;
    const isThere = file !== null && existsSync(file);
    const runs = isThere ? ((JSON.parse(readFileSync(file, 'utf8')) as { runs?: SwarmRun[] }).runs ?? []) : [];
    this.#runs = runs.map((run) => ({ ...run, job: asNow(run.job) }));
  }

  /** The run of this job that was measured before. */
  find(job: string): SwarmRun | null {
    return this.#runs.find((run) => run.job === job) ?? null;
  }

  add(run: SwarmRun): void {
    this.#runs.push(run);
    if (this.#file === null) return;
    const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
    const content = { rows: rowsOf(this.#runs), machine, date: new Date().toISOString(), runs: this.#runs };
    writeFileSync(this.#file, `${JSON.stringify(content, null, 2)}\n`);
  }
}

/** Setting after setting in the order they were measured in. */
export function rowsOf(runs: readonly SwarmRun[]): SwarmRow[] {
  const names = new Set(runs.map(({ part, setting }) => JSON.stringify([part, setting])));
  return [...names].flatMap((name) => {
    const [part, setting] = JSON.parse(name) as [string, string];
    const peers = runs.filter((run) => run.part === part);
    const measured = peers.filter((run) => run.setting === setting);
    return [...lossRows(`${part}: ${setting}`, measured, peers), ...byteRows(`${part}: ${setting}`, measured)];
  });
}

/** @param peers all runs of the part, the controls among them */
function lossRows(name: string, runs: readonly SwarmRun[], peers: readonly SwarmRun[]): SwarmRow[] {
  const losses = runs.map(({ loss }) => loss);
  const controls = peers.filter(({ setting }) => setting === dense);
  return [
    row(name, 'nats/byte', losses, mean(controls.map(({ loss }) => loss))),
    ...gapRows(name, '% above dense', runs, controls),
    ...gapRows(
      name,
      '% above dense Muon',
      runs,
      peers.filter(({ setting }) => setting === denseMuon),
    ),
  ];
}

/** Each run against the control of its seed; none where there is no such control. */
function gapRows(name: string, unit: string, runs: readonly SwarmRun[], controls: readonly SwarmRun[]): SwarmRow[] {
  const gaps = runs.flatMap(({ seed, loss }) => {
    const control = controls.find((other) => other.seed === seed);
    return control === undefined ? [] : [100 * (loss / control.loss - 1)];
  });
  return gaps.length === 0 ? [] : [row(name, unit, gaps, 0)];
}

function byteRows(name: string, runs: readonly SwarmRun[]): SwarmRow[] {
  if (runs.every(({ payloadBytes }) => payloadBytes === 0)) return [];
  const perToken = (bytes: (run: SwarmRun) => number): number[] =>
    runs.map((run) => (1e9 * bytes(run)) / run.tokens / run.parameters);
  const ofDense = mean(perToken(({ denseBytes }) => denseBytes));
  return [
    row(
      name,
      'times fewer bytes',
      runs.map(({ payloadBytes, denseBytes }) => denseBytes / payloadBytes),
      1,
    ),
    row(
      name,
      'bytes/token/10^9 parameters',
      perToken(({ payloadBytes }) => payloadBytes),
      ofDense,
    ),
    ...largestRows(name, runs),
  ];
}

function largestRows(name: string, runs: readonly SwarmRun[]): SwarmRow[] {
  const known = runs.filter(({ largestPayload }) => largestPayload !== undefined);
  if (known.length === 0) return [];
  const largest = known.map(({ largestPayload }) => largestPayload!);
  return [row(name, 'bytes, largest payload', largest, 4 * known[0]!.parameters)];
}

function row(name: string, unit: string, values: readonly number[], control: number): SwarmRow {
  const [value, seeds] = [mean(values), values.length];
  const squares = values.reduce((sum, one) => sum + (one - value) ** 2, 0);
  const spread = seeds > 1 ? { spread: rounded(Math.sqrt(squares / (seeds - 1))) } : {};
  return { name, unit, value: rounded(value), dense: rounded(control), seeds, ...spread };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

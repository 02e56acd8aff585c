// What a coordinator bears: real workerd, started as `npm start` starts it, and thousands of real WebSockets that speak the
// real protocol. They train nothing, so that all there is to measure is the coordinator's: what each round is told and hears,
// how many calls its room takes for that, how soon it answers, and what workerd needs.
//   npm run bench:swarm -- --load 1000,2000 [--json FILE]

import { readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCoordinator } from '../../../client/node/embed/embed.ts';
import type { Embedded } from '../../../client/node/embed/embed.ts';
import { readSecrets } from '../../../client/node/embed/secrets.ts';
import { gatesFor } from '../../../coordinator/cluster/door/shards.ts';
import { signToken } from '../../../coordinator/security/token.ts';
import type { Metrics } from '../../../coordinator/cluster/room/rooms.ts';
import { sha256Hex, utf8 } from '../../../shared/bytes.ts';
import type { JobView } from '../../../shared/api/schemas.ts';
import { LoadWorker } from './load-worker.ts';
import type { Counts, Identity } from './load-worker.ts';

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly dense: number; // no control exists for these: 0
  readonly seeds: number;
}

const roundsCounted = 3;
/** Of one training: between these, so that commits come spread as in a swarm of like machines. */
const trainingMs = { least: 8_000, spread: 4_000 };
/** Every second, of so many workers. */
const probes = 20;
const connectsAtOnce = 50;
const patienceMs = 600_000;

export async function measureLoad(sizes: readonly number[], say: (line: string) => void) {
  const rows: Row[] = [];
  for (const workers of sizes) {
    const found = await loadOf(workers, say);
    rows.push(...found);
    for (const { name, value, unit } of found) say(`${name}: ${value} ${unit}`);
  }
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
  return { rows, machine, date: new Date().toISOString() };
}

async function loadOf(workers: number, say: (line: string) => void): Promise<Row[]> {
  const data = await mkdtemp(join(tmpdir(), 'loomos-load-'));
  const coordinator = await startCoordinator({ data, port: 0, page: false });
  try {
    return await new LoadRun(coordinator, data, workers, say).measure();
  } finally {
    await coordinator.close();
    rmSync(data, { recursive: true, force: true });
  }
}

/** What is read at the beginning and at the end of the rounds that count. */
interface Reading {
  at: number; // ms
  up: number;
  down: number;
  load: Metrics['load'];
  cpuSeconds: number;
}

class LoadRun {
  readonly #coordinator: Embedded;
  readonly #data: string;
  readonly #size: number;
  readonly #say: (line: string) => void;
  readonly #counts: Counts = {
    up: 0,
    down: 0,
    refused: 0,
    lost: 0,
    welcomeMs: [],
    answerMs: [],
    committedAt: new Map(),
    closedAt: new Map(),
    agreedAt: new Map(),
  };
  readonly #workers: LoadWorker[] = [];
  #jobId = '';

  constructor(coordinator: Embedded, data: string, size: number, say: (line: string) => void) {
    this.#coordinator = coordinator;
    this.#data = data;
    this.#size = size;
    this.#say = say;
  }

  async measure(): Promise<Row[]> {
    this.#jobId = await this.#submit();
    const startedAt = performance.now();
    await this.#connectAll();
    const connectSeconds = (performance.now() - startedAt) / 1000;
    this.#say(`${this.#size} workers are welcome after ${connectSeconds.toFixed(0)} s`);
    await this.#roundReached(2); // the first one has to settle
    this.#counts.answerMs.length = 0;
    const prober = setInterval(() => this.#probe(), 1000);
    const from = await this.#read();
    await this.#roundReached(2 + roundsCounted);
    const to = await this.#read();
    clearInterval(prober);
    await this.#until(() => this.#counts.agreedAt.has(1 + roundsCounted), 'the last state to be agreed');
    const rows = this.#rows(from, to, connectSeconds);
    await this.#request('POST', `jobs/${this.#jobId}/cancel`);
    for (const worker of this.#workers) worker.close();
    return rows;
  }

  #rows(from: Reading, to: Reading, connectSeconds: number): Row[] {
    const perWorker = (count: number): number => count / this.#size / roundsCounted;
    const perRound = (count: number): number => count / roundsCounted;
    const { counts, load } = { counts: this.#counts, load: [from.load, to.load] as const };
    const grown = (key: 'events' | 'ticks' | 'reports' | 'calls'): number => load[1][key] - load[0][key];
    const { VmRSS = 0, VmHWM = 0 } = this.#memory();
    const seconds = (to.at - from.at) / 1000;
    const row = (name: string, unit: string, value: number): Row => {
      const rounded = Number(value.toPrecision(4));
      return { name: `${this.#size} workers, ${name}`, unit, value: rounded, dense: 0, seeds: 1 };
    };
    return [
      row('gates', '', gatesFor(this.#size)),
      row('all connected and welcome after', 's', connectSeconds),
      row('hello to welcome, p50', 'ms', quantile(counts.welcomeMs, 0.5)),
      row('hello to welcome, p99', 'ms', quantile(counts.welcomeMs, 0.99)),
      row('messages of a worker to the room', 'a round', perWorker(to.up - from.up)),
      row('messages of the room to a worker', 'a round', perWorker(to.down - from.down)),
      row('events that the room took', 'a round', perRound(grown('events'))),
      row('ticks of the room', 'a round', perRound(grown('ticks'))),
      row('calls of gates to the room', 'a round', perRound(grown('reports'))),
      row('calls of the room to gates', 'a round', perRound(grown('calls'))),
      row('a round', 's', perRound(seconds)),
      row(
        'last commit to last word that the round is closed, mean',
        's',
        this.#lag(counts.committedAt, counts.closedAt),
      ),
      row('that to last word that the state is agreed, mean', 's', this.#lag(counts.closedAt, counts.agreedAt)),
      row('answer, p50', 'ms', quantile(counts.answerMs, 0.5)),
      row('answer, p99', 'ms', quantile(counts.answerMs, 0.99)),
      row('cores that workerd kept busy', '', (to.cpuSeconds - from.cpuSeconds) / seconds),
      row('memory of workerd', 'MB', VmRSS / 1024),
      row('memory of workerd at most', 'MB', VmHWM / 1024),
      row('messages refused, besides probes', '', counts.refused),
      row('sockets lost', '', counts.lost),
    ];
  }

  /** Mean seconds from one moment of the counted rounds to another. */
  #lag(from: ReadonlyMap<number, number>, to: ReadonlyMap<number, number>): number {
    const rounds = Array.from({ length: roundsCounted }, (_, index) => 2 + index);
    return rounds.reduce((sum, round) => sum + (to.get(round)! - from.get(round)!), 0) / roundsCounted / 1000;
  }

  async #submit(): Promise<string> {
    const text = 'Call me Ishmael. '.repeat(100);
    const sha256 = sha256Hex(utf8(text));
    await this.#request('PUT', `datasets/${sha256}?source=load`, text);
    const manifest = {
      apiVersion: 'loomos.ai/v1',
      kind: 'TrainingJob',
      metadata: { name: 'load' },
      spec: {
        algorithm: 'lm',
        model: { kind: 'gpt' },
        data: { source: `dataset:${sha256}` },
        rounds: { innerSteps: 2 },
        resources: { workers: { min: this.#size, max: this.#size } },
        runtime: { maxTokens: 1e12 },
      },
    };
    const response = await this.#request('POST', 'jobs', JSON.stringify(manifest));
    return ((await response.json()) as JobView).id;
  }

  async #connectAll(): Promise<void> {
    const { LOOMOS_SECRET } = readSecrets(this.#data);
    for (let index = 0; index < this.#size; index++) {
      const workerId = `w-${String(index).padStart(12, '0')}`;
      const exp = Date.now() + 3_600_000;
      const token = await signToken(LOOMOS_SECRET, { use: 'worker', sub: workerId, kind: 'node', exp });
      this.#workers.push(new LoadWorker({ workerId, token }, this.#ports(), this.#counts));
    }
    for (let index = 0; index < this.#size; index += connectsAtOnce)
      await Promise.all(this.#workers.slice(index, index + connectsAtOnce).map((worker) => worker.connect()));
    await this.#until(() => this.#counts.welcomeMs.length === this.#size, 'all to be welcome');
  }

  #ports() {
    const url = this.#coordinator.url.replace('http', 'ws');
    return {
      roomUrl: (workerId: string) => `${url}/api/v1/jobs/${this.#jobId}/room?worker=${workerId}`,
      trainingMs: () => trainingMs.least + Math.random() * trainingMs.spread,
      upload: async ({ token }: Identity, round: number, fence: number, body: string) => {
        await this.#request('PUT', `jobs/${this.#jobId}/checkpoints/${round}?fence=${fence}`, body, token);
      },
      now: () => performance.now(),
    };
  }

  #probe(): void {
    for (let i = 0; i < probes; i++) this.#workers[Math.floor(Math.random() * this.#size)]!.probe();
  }

  #roundReached(round: number): Promise<void> {
    return this.#until(() => this.#workers.every(({ chain }) => chain.round >= round), `round ${round}`);
  }

  async #until(check: () => boolean, what: string): Promise<void> {
    for (const deadline = performance.now() + patienceMs; !check(); await sleep(20)) {
      if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms for ${what}`);
    }
  }

  async #read(): Promise<Reading> {
    const { up, down } = this.#counts;
    const response = await this.#request('GET', `jobs/${this.#jobId}/metrics`);
    const { load } = (await response.json()) as Metrics;
    return { at: performance.now(), up, down, load, cpuSeconds: this.#cpuSeconds() };
  }

  /** User and system time of workerd, from clock ticks of 10 ms. */
  #cpuSeconds(): number {
    const [utime = 0, stime = 0] = this.#proc('stat')
      .replace(/^.*\) /, '')
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return (utime + stime) / 100;
  }

  /** In kilobytes, by the names that Linux gives them. */
  #memory(): Record<string, number> {
    const lines = this.#proc('status').matchAll(/^(Vm\w+):\s+(\d+) kB$/gm);
    return Object.fromEntries([...lines].map(([, name, kilobytes]) => [name!, Number(kilobytes)]));
  }

  #proc(file: string): string {
    const pid = readFileSync(join(this.#data, 'workerd.pid'), 'utf8').trim();
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  }

  async #request(method: string, path: string, body?: string, token = this.#coordinator.ownerToken): Promise<Response> {
    const headers = { authorization: `Bearer ${token}` };
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await fetch(`${this.#coordinator.url}/api/v1/${path}`, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

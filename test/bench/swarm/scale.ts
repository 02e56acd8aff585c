// What a coordinator does for swarms of 10 to 10,000 workers, and what that costs: the real shared/rounds with virtual workers,
// every message, stored row and upload counted. Counted from the second round on, while nobody comes or goes.
//   npm run bench:swarm -- --scale [--quick] [--json FILE]

import { cpus } from 'node:os';
import { changes, documentsOf } from '../../../coordinator/cluster/room/documents.ts';
import { gatesFor, shardOf, signallingFor } from '../../../coordinator/cluster/door/shards.ts';
import type { Topology } from '../../../shared/manifest/topology.ts';
import { noFaults, simulatedManifest } from '../../../shared/rounds/simulator/scenario.ts';
import type { Scenario } from '../../../shared/rounds/simulator/scenario.ts';
import { play } from '../../../shared/rounds/simulator/simulate.ts';
import type { RoomEffect, RoomEvent, RoomState } from '../../../shared/rounds/types.ts';
import { costOf, messagesPerRequest, objectGb, prices, pricesReadOn } from './cloudflare-prices.ts';
import type { Billed } from './cloudflare-prices.ts';
import { Signals } from './signals.ts';

export interface ScaleRow {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly dense: number; // no control exists for these: 0
  readonly seeds: number;
}

export interface ScaleReport {
  readonly rows: readonly ScaleRow[];
  readonly prices: typeof prices;
  readonly pricesReadOn: string;
  readonly machine: string;
  readonly date: string;
}

const roundsCounted = 2;
/** A worker's socket sends a ping every 20 s, its line to the signalling a heartbeat every 5 s; neither wakes an object. */
const keepAlivesPerHour = 3600 / 20 + 3600 / 5;
/** A row of an event is in its table and in two indices; each append rewrites the head of the log. */
const d1RowsPerEvent = 3;
/** The job's row in D1 follows its room every two seconds; with gates a mark is set and taken away as often. */
const projectionsPerHour = 3600 / 2;
/** That a worker was heard of is written every ten minutes: its row and the index over it. */
const seenRowsPerHour = 2 * 6;

/** What happened in the rounds that count. */
interface Counted {
  signals: Signals;
  up: number; // messages to the room
  down: number;
  bytesUp: number;
  bytesDown: Map<string, number>; // by worker
  gateCalls: number; // of gates to the room, and back
  alarms: number;
  objectRows: number;
  objectCharacters: number; // of those rows
  longestValue: number; // characters; a row holds 2 MB
  longestEvent: number;
  events: number; // of the ledger
  appends: number;
  checkpoints: number;
  seconds: number;
}

export function measureScale(sizes: readonly number[], say: (line: string) => void): ScaleReport {
  const rows: ScaleRow[] = [];
  for (const workers of sizes) {
    const startedAt = performance.now();
    const counted = simulateSwarm(workers);
    const seconds = (performance.now() - startedAt) / 1000;
    const found = rowsOf(workers, counted);
    rows.push(...found, row(`${workers} workers, simulated in`, 's', seconds));
    say(found.map(({ name, value, unit }) => `${name}: ${value} ${unit}`).join('\n'));
    say(`  simulated in ${seconds.toFixed(1)} s`);
  }
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
  return { rows, prices, pricesReadOn, machine, date: new Date().toISOString() };
}

/** Equally fast workers within a fifth, rounds of about a minute, as a job that is paid by the hour would have them. */
function scenarioOf(workers: number): Scenario {
  const manifest = simulatedManifest({
    min: workers,
    max: workers,
    maxTokens: workers * 1000 * (roundsCounted + 2),
    topology: topologyOf(workers),
    checkpointInterval: '60s',
  });
  const traits = { corruption: 0, relayOnly: false, slowLink: 1, malice: 'none' } as const;
  return {
    seed: 1,
    manifest,
    workers: Array.from({ length: workers }, (_, index) => ({
      ...traits,
      tokensPerSecond: 16 + (index % 4),
      joinsAtMs: (index * 7919) % 5_000,
    })),
    faults: noFaults,
    batchMs: workers < 32 ? 0 : Math.max(50, workers / 20), // as the room does, see coordinator/cluster/room/live-room.ts
    clockSkewMs: 0,
    latencyMs: 30,
    calmAtMs: 0,
    limitMs: 3_600_000,
    checksMessages: false,
  };
}

/** What `auto` would choose; groups are dealt anew after the rounds that count. */
function topologyOf(workers: number): Topology {
  if (workers <= 16) return 'mesh';
  return { kind: workers <= 256 ? 'groups' : 'tree', reshuffle: roundsCounted + 1 };
}

function simulateSwarm(workers: number): Counted {
  const counted: Counted = {
    signals: new Signals(workers),
    up: 0,
    down: 0,
    bytesUp: 0,
    bytesDown: new Map(),
    gateCalls: 0,
    alarms: 0,
    objectRows: 0,
    objectCharacters: 0,
    longestValue: 0,
    longestEvent: 0,
    events: 0,
    appends: 0,
    checkpoints: 0,
    seconds: 0,
  };
  let from: number | null = null;
  play(scenarioOf(workers), (before, events, { state, effects }, now) => {
    counted.signals.note(effects, now, before.round > roundsCounted);
    if (before.round < 1 || before.round > roundsCounted) return;
    from ??= now;
    counted.seconds = (now - from) / 1000;
    countEvents(counted, events);
    countEffects(counted, effects, state);
    countGateCalls(counted, events, effects, state, gatesFor(workers));
    countStored(counted, before, state);
  });
  return counted;
}

function countStored(counted: Counted, before: RoomState, after: RoomState): void {
  const { written, deleted } = changes(documentsOf(before), documentsOf(after));
  counted.objectRows += written.length + deleted.length;
  for (const [, value] of written) {
    const { length } = JSON.stringify(value);
    counted.objectCharacters += length;
    counted.longestValue = Math.max(counted.longestValue, length);
  }
}

/** Each gate from which something came, and each to which something goes, is one call a tick. */
function countGateCalls(
  counted: Counted,
  events: readonly RoomEvent[],
  effects: readonly RoomEffect[],
  state: RoomState,
  gates: number,
): void {
  if (gates === 0) return;
  const gatesOf = (ids: readonly string[]): number => new Set(ids.map((id) => shardOf(id, gates))).size;
  counted.gateCalls += gatesOf(events.flatMap((event) => ('workerId' in event ? [event.workerId] : [])));
  const isBroadcast = effects.some(({ type }) => type === 'broadcast');
  const to = effects.flatMap((effect) => (effect.type === 'send' ? [effect.to] : []));
  counted.gateCalls += gatesOf(isBroadcast ? Object.keys(state.members) : to);
}

function countEvents(counted: Counted, events: readonly RoomEvent[]): void {
  for (const event of events) {
    const { type } = event;
    if (type === 'message') counted.up += 1;
    if (type === 'message') counted.bytesUp += JSON.stringify(event.message).length;
    if (type === 'wake') counted.alarms += 1;
    if (type === 'stored') counted.checkpoints += 1;
  }
}

function countEffects(counted: Counted, effects: readonly RoomEffect[], state: RoomState): void {
  const present = Object.keys(state.members).filter((id) => state.members[id]!.present);
  for (const effect of effects) {
    const { type } = effect;
    if (type === 'record') counted.longestEvent = Math.max(counted.longestEvent, JSON.stringify(effect.event).length);
    if (type === 'send' || type === 'broadcast') {
      const to = type === 'send' ? [effect.to] : present;
      const { length } = JSON.stringify(effect.message);
      counted.down += to.length;
      for (const id of to) counted.bytesDown.set(id, (counted.bytesDown.get(id) ?? 0) + length);
    }
    if (type === 'wake-at') counted.objectRows += 1;
    if (type === 'record') counted.events += 1;
  }
  if (effects.some(({ type }) => type === 'record')) counted.appends += 1;
}

function rowsOf(workers: number, counted: Counted): ScaleRow[] {
  const workerHours = (workers * counted.seconds) / 3600;
  const perRound = (count: number): number => count / workers / roundsCounted;
  const used = billed(counted, workers);
  const name = (what: string): string => `${workers} workers, ${what}`;
  return [
    row(name('messages of a worker to the room'), 'a round', perRound(counted.up)),
    row(name('messages of the room to a worker'), 'a round', perRound(counted.down)),
    row(name('bytes of a worker to the room'), 'a round', perRound(counted.bytesUp)),
    row(name('bytes of the room to a worker'), 'a round', perRound(total(counted.bytesDown))),
    row(name('bytes of the room to the worker that gets most'), 'a round', most(counted.bytesDown) / roundsCounted),
    row(name('signals at the peak, groups dealt, dialled over a time'), 'a second', counted.signals.peak('spread')),
    row(name('signals at the peak, groups dealt, dialled at once'), 'a second', counted.signals.peak('atOnce')),
    row(name('calls between gates and room'), 'a second', counted.gateCalls / counted.seconds),
    row(name('rows written in the room'), 'a worker-hour', used.objectRowWritten / workerHours),
    row(name('longest value stored in the room'), 'kB', counted.longestValue / 1000),
    row(name('longest event of the ledger'), 'kB', counted.longestEvent / 1000),
    row(name('stored in the room'), 'kB a round', counted.objectCharacters / 1000 / roundsCounted),
    row(name('rows written in D1'), 'a worker-hour', used.d1RowWritten / workerHours),
    row(name('operations of R2'), 'a worker-hour', (used.r2ClassA + used.r2ClassB) / workerHours),
    row(name('cost'), '$ for 1,000 worker-hours', (1000 * costOf(used)) / workerHours),
  ];
}

/** All objects of the job and the ledger are counted as awake all the time, though they need not be. */
function billed(counted: Counted, workers: number): Record<Billed, number> {
  const hours = counted.seconds / 3600;
  const messages = counted.up + workers * hours * keepAlivesPerHour;
  const calls = counted.gateCalls + counted.alarms + counted.appends + 2 * counted.checkpoints;
  const logLines = 2 * counted.events; // the line, and the one that makes room for it
  const outbox = 2 * counted.events;
  const marks = gatesFor(workers) === 0 ? 0 : 2 * hours * projectionsPerHour;
  const objects = 2 + gatesFor(workers) + signallingFor(workers);
  const seen = workers * hours * seenRowsPerHour;
  return {
    objectRequest: messages / messagesPerRequest + calls,
    objectGbSecond: objects * counted.seconds * objectGb,
    objectRowWritten: counted.objectRows + marks + logLines + outbox + counted.checkpoints,
    d1RowWritten: d1RowsPerEvent * counted.events + counted.appends + hours * projectionsPerHour + seen,
    r2ClassA: 2 * counted.checkpoints, // put, and the deletion of the one before the last
    r2ClassB: 0, // nobody joins, and WebRTC connects: what a joiner reads is its text and one checkpoint
  };
}

function row(name: string, unit: string, value: number): ScaleRow {
  return { name, unit, value: Number(value.toPrecision(4)), dense: 0, seeds: 1 };
}

function total(byWorker: ReadonlyMap<string, number>): number {
  return [...byWorker.values()].reduce((sum, count) => sum + count, 0);
}

function most(byWorker: ReadonlyMap<string, number>): number {
  return [...byWorker.values()].reduce((highest, count) => Math.max(highest, count), 0);
}

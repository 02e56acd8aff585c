// What a benchmark leaves: a table to read and JSON to keep.

import type { Counters } from '../../../kernels/device/device.ts';
import type { Measured } from './measure.ts';
import type { Row } from './rows.ts';

export interface ReportRow {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly also?: { readonly unit: string; readonly ours: number }; // the same in arithmetic or bytes
  readonly n: number; // turns measured
  readonly spread: Readonly<Record<string, number>>; // the middle half of the turns, as a share of the median
  readonly failed?: Readonly<Record<string, string>>; // contestants without a number, and why
}

export interface Report {
  readonly device: string;
  readonly driver: string;
  readonly date: string;
  readonly toggles: readonly string[];
  readonly rows: readonly ReportRow[];
  /** Of one training step of ours after the first; bufferBytes is all that its program ever made. */
  readonly counters: Counters;
}

export function reportRow(
  row: Row,
  measured: ReadonlyMap<string, Measured>,
  failed: ReadonlyMap<string, string>,
): ReportRow {
  const rate = (name: string) => row.amount / measured.get(name)!.seconds;
  const names = [...measured.keys()];
  const others = names.filter((name) => name !== 'ours');
  const ours = measured.has('ours') ? rate('ours') : 0;
  return {
    name: row.name,
    unit: row.unit,
    ours,
    peers: Object.fromEntries(others.map((name) => [name, rate(name)])),
    ...(row.also && ours > 0 && { also: { unit: row.also.unit, ours: (ours / row.amount) * row.also.amount } }),
    n: measured.size === 0 ? 0 : Math.min(...[...measured.values()].map(({ turns }) => turns)),
    spread: Object.fromEntries(names.map((name) => [name, measured.get(name)!.spread])),
    ...(failed.size > 0 && { failed: Object.fromEntries(failed) }),
  };
}

/** One line: ours, then each peer with how many times faster we are. */
export function formatRow({ name, unit, ours, peers, also, n, spread, failed }: ReportRow): string {
  const cell = (who: string, value: number) => `${who} ${spell(value)} ±${Math.round((spread[who] ?? 0) * 50)}%`;
  const others = Object.entries(peers).map(([who, value]) => `${cell(who, value)} (${(ours / value).toFixed(1)}x)`);
  const missing = Object.entries(failed ?? {}).map(([who, why]) => `${who} failed: ${why}`);
  const same = also ? ` = ${spell(also.ours)} ${also.unit}` : '';
  return [`${name.padEnd(30)} ${unit.padEnd(8)} ${cell('ours', ours)}${same}`, ...others, ...missing, `n=${n}`].join(
    '  ',
  );
}

/** Three digits. */
export function spell(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

export function formatCounters(counters: Counters): string {
  const { dispatches, submits, buffersCreated, bindGroupsCreated, bytesUploaded, bytesRead, bufferBytes } = counters;
  return [
    `one training step: ${dispatches} dispatches, ${submits} submits and one that reads the loss back`,
    `${buffersCreated} buffers and ${bindGroupsCreated} bind groups made, ${bytesUploaded} bytes up, ${bytesRead} down`,
    `${(bufferBytes / 2 ** 20).toFixed(1)} MiB of buffers in all`,
  ].join('; ');
}

// Lets contestants compete row by row, in Node or in a page. Whoever cannot take part is named with the reason.

import type { Device } from '../../../kernels/device/device.ts';
import type { Measured, Patience } from './measure.ts';
import { measure } from './measure.ts';
import { countersOfStep, hasHalves, ourselves } from './ours.ts';
import type { Report, ReportRow } from './report.ts';
import { reportRow } from './report.ts';
import type { Row } from './rows.ts';
import { gemmRow, inHalves, listHalfRows, listRows, sizes, trainTask } from './rows.ts';
import type { Contestant, Work } from './work.ts';

/** Where a benchmark runs. */
export interface Place {
  readonly device: Device;
  readonly driver: string;
  readonly toggles: readonly string[];
}

/**
 * Every row on the sizes of a device; yields the report as it grows.
 * @param products products of these sizes alone
 */
export async function* benchmark(
  { device, driver, toggles }: Place,
  peers: readonly Contestant[],
  isQuick: boolean,
  products?: readonly number[],
): AsyncGenerator<Report> {
  const chosen = sizes[device.info.isSoftware ? 'software' : 'gpu'][isQuick ? 'quick' : 'full'];
  const counters = await countersOfStep(device, trainTask(chosen.gpt));
  const report = { device: device.info.adapter, driver, date: new Date().toISOString(), toggles, counters };
  const rows: ReportRow[] = [];
  const all = [
    compete([ourselves(device), ...peers], products?.map(gemmRow) ?? listRows(chosen), isQuick),
    compete(
      hasHalves(device) ? [ourselves(device, { precision: 'f16' })] : [],
      inHalves(products?.map(gemmRow) ?? listHalfRows(chosen)),
      isQuick,
    ),
  ];
  for (const some of all)
    for await (const row of some) {
      rows.push(row);
      yield { ...report, rows: [...rows] };
    }
}

/** @param contestants ourselves first; no rows without any */
async function* compete(
  contestants: readonly Contestant[],
  rows: readonly Row[],
  isQuick: boolean,
): AsyncGenerator<ReportRow> {
  if (contestants.length === 0) return;
  for (const row of rows) yield await competeIn(row, row.isOurs ? contestants.slice(0, 1) : contestants, isQuick);
}

export async function competeIn(row: Row, contestants: readonly Contestant[], isQuick: boolean): Promise<ReportRow> {
  const failed = new Map<string, string>();
  const works = new Map<string, Work>();
  for (const contestant of contestants) {
    try {
      const work = await openWarm(row, contestant);
      if (work) works.set(contestant.name, work);
    } catch (error) {
      failed.set(contestant.name, error instanceof Error ? error.message.slice(0, 200) : String(error));
    }
  }
  if (row.mustAgree) await excludeStrangers(works, failed);
  const names = [...works.keys()];
  const results = await measure([...works.values()], patience(row, isQuick));
  for (const work of works.values()) work.destroy?.();
  return reportRow(row, new Map(names.map((name, i): [string, Measured] => [name, results[i]!])), failed);
}

/** Set up, and run once: compiling is not measured, and shows who cannot. */
async function openWarm(row: Row, contestant: Contestant): Promise<Work | undefined> {
  const work = await row.open(contestant);
  await work?.run();
  await work?.finish();
  return work;
}

/** Whoever's first result is not ours computes something else, and its speed says nothing. */
async function excludeStrangers(works: Map<string, Work>, failed: Map<string, string>): Promise<void> {
  const wanted = await works.get('ours')?.check?.();
  for (const [name, work] of works) {
    const found = await work.check?.();
    if (wanted === undefined || found === undefined || Math.abs(found - wanted) < 1e-3) continue;
    failed.set(name, `its first result is ${found}, ours ${wanted}`);
    works.delete(name);
  }
}

function patience({ isLong }: Row, isQuick: boolean): Patience {
  if (isQuick) return { turnSeconds: 0.15, turns: 15, rowSeconds: isLong ? 15 : 6 };
  return { turnSeconds: 0.3, turns: 25, rowSeconds: isLong ? 40 : 20 };
}

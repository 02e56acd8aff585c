// `npm run bench`: ours beside tfjs, jax-js and onnxruntime-web in one process on one adapter, in turns. Prints a table; never a claim.
//   --quick        small sizes, 3 minutes on two cores
//   --json FILE    the report as JSON, and its plot beside it as SVG
//   --page         in a page of the project's Chromium, with its WebGPU
//   --no-peers     ours alone; --cpu: ours alone on the CPU backend
//   --peers FOLDER where the peers are installed
//   --sweep        products in every tile and number of parts, ours alone
//   --gemm N,N     products of these sizes alone
//   --toggles A,B  Dawn features to switch on, such as skip_validation

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { openCpu } from '../../../kernels/device/cpu.ts';
import { loadDawn, openDawn } from '../../../kernels/device/dawn.ts';
import type { Device } from '../../../kernels/device/device.ts';
import { benchmark, competeIn } from './contest.ts';
import type { Place } from './contest.ts';
import { countersOfStep, hasHalves, ourselves } from './ours.ts';
import { openPeers } from './peers/open.ts';
import type * as Page from './page/run.ts';
import { plotReport } from './plot.ts';
import type { Report, ReportRow } from './report.ts';
import { formatCounters, formatRow } from './report.ts';
import { gemmRow, sizes, trainTask } from './rows.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
    gemm: { type: 'string' },
    json: { type: 'string' },
    peers: { type: 'string' },
    toggles: { type: 'string', default: '' },
  },
});
const toggles = options.toggles.split(',').filter((toggle) => toggle !== '');
const isQuick = options.quick;
const products = options.gemm?.split(',').map(Number);

if (products?.every((n) => Number.isInteger(n) && n > 0) === false) {
  throw new Error(
    `--gemm takes sizes of square products with commas between them, such as 512,2048, not ${options.gemm}`,
  );
}
if (options.page) {
  // Not for bundles: what builds and drives a page is found only in the project.
  const { benchInPage } = (await import(new URL('page/run.ts', import.meta.url).href)) as typeof Page;
  await benchInPage(isQuick, options['no-peers'], show);
} else await main();
process.exit(0); // the peers leave timers behind

async function main(): Promise<void> {
  const device = await openDevice();
  const place = { device, driver: await driverOf(device), toggles };
  console.log(`${device.info.adapter}; ${place.driver}; ${toggles.join(', ') || "a page's toggles"}`);
  if (!hasHalves(device)) console.log('No rows in f16: they are for GPUs with shader-f16.');
  const isAlone = options['no-peers'] || options.sweep || device.info.kind === 'cpu';
  const peers = isAlone ? [] : await openPeers(options.peers, toggles, console.warn);
  for await (const report of options.sweep ? sweep(place) : benchmark(place, peers, isQuick, products)) show(report);
}

/** The latest row of a report; whoever stops us has the rows so far in the file. */
function show(report: Report): void {
  const row = report.rows.at(-1)!;
  console.log(formatRow(row));
  if (report.rows.length === 1) console.log(formatCounters(report.counters));
  if (options.json === undefined) return;
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${options.json.replace(/\.json$/, '')}.svg`, plotReport(report));
}

async function openDevice(): Promise<Device> {
  if (options.cpu) return openCpu();
  const opened = await openDawn({ toggles });
  if ('device' in opened) return opened.device;
  console.log(`There is no WebGPU (${opened.reason}): the CPU backend alone.`);
  return openCpu();
}

async function driverOf(device: Device): Promise<string> {
  if (device.info.kind === 'cpu') return `Node ${process.version}`;
  const adapter = await (await loadDawn(toggles)).requestAdapter({ powerPreference: 'high-performance' });
  const { vendor, architecture, device: id, description } = adapter!.info;
  return [vendor, architecture, id, description].filter((part) => part !== '').join(' ');
}

/** The same product in every tile and number of parts: what the estimates in tiling.ts are to be replaced with. */
async function* sweep({ device, driver, toggles }: Place): AsyncGenerator<Report> {
  const { gemm, gpt } = sizes[device.info.isSoftware ? 'software' : 'gpu'][isQuick ? 'quick' : 'full'];
  const counters = await countersOfStep(device, trainTask(gpt));
  const report = { device: device.info.adapter, driver, date: new Date().toISOString(), toggles, counters };
  const rows: ReportRow[] = [];
  for (const n of products ?? gemm) {
    for (const [tile, parts] of [64, 128].flatMap((size) => [1, 2, 4].map((count) => [size, count] as const))) {
      const row = { ...gemmRow(n), name: `GEMM ${n}, tile ${tile}, ${parts} parts` };
      rows.push(await competeIn(row, [ourselves(device, { attributes: { tile, parts } })], isQuick));
      yield { ...report, rows: [...rows] };
    }
  }
}

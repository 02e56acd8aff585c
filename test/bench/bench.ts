// `npm run bench`: ours beside tfjs, jax-js and onnxruntime-web in one process on one adapter, in turns. Prints a table; never a claim.
//   --quick        small sizes, 3 minutes on two cores
//   --json FILE    the report as JSON, and its plot beside it as SVG
//   --no-peers     ours alone; --cpu: ours alone on the CPU backend
//   --peers FOLDER where the peers are installed
//   --sweep        products in every tile and number of parts, ours alone
//   --toggles A,B  Dawn features to switch on, such as skip_validation

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { openCpu } from '../../kernels/device/cpu.ts';
import { loadDawn, openDawn } from '../../kernels/device/dawn.ts';
import type { Device } from '../../kernels/device/device.ts';
import { compete, competeIn } from './contest.ts';
import { countersOfStep, ourselves } from './ours.ts';
import { openPeers } from './peers/open.ts';
import { plotReport } from './plot.ts';
import type { Report, ReportRow } from './report.ts';
import { formatCounters, formatRow } from './report.ts';
import { gemmRow, listRows, sizes, trainTask } from './rows.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    json: { type: 'string' },
    peers: { type: 'string' },
    toggles: { type: 'string', default: '' },
  },
});
const toggles = options.toggles.split(',').filter((toggle) => toggle !== '');
const isQuick = options.quick;

await main();

async function main(): Promise<void> {
  const device = await openDevice();
  const driver = await driverOf(device);
  console.log(`${device.info.adapter}; ${driver}; ${toggles.length > 0 ? toggles.join(', ') : "a page's toggles"}`);
  const isAlone = options['no-peers'] || options.sweep || device.info.kind === 'cpu';
  const peers = isAlone ? [] : await openPeers(options.peers, toggles, console.warn);
  const chosen = sizes[device.info.isSoftware ? 'software' : 'gpu'][isQuick ? 'quick' : 'full'];
  const counters = await countersOfStep(device, trainTask(chosen.gpt));
  const report = { device: device.info.adapter, driver, date: new Date().toISOString(), toggles, counters };
  const measured = options.sweep
    ? sweep(device, chosen.gemm)
    : compete([ourselves(device), ...peers], listRows(chosen), isQuick);
  const rows: ReportRow[] = [];
  for await (const row of measured) {
    console.log(formatRow(row));
    rows.push(row);
    if (options.json !== undefined) save({ ...report, rows }, options.json); // whoever stops us has the rows so far
  }
  console.log(formatCounters(counters));
  process.exit(0); // the peers leave timers behind
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

function save(report: Report, file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${file.replace(/\.json$/, '')}.svg`, plotReport(report));
}

/** The same product in every tile and number of parts: what the estimates in tiling.ts are to be replaced with. */
async function* sweep(device: Device, lengths: readonly number[]): AsyncGenerator<ReportRow> {
  for (const n of lengths) {
    for (const [tile, parts] of [64, 128].flatMap((size) => [1, 2, 4].map((count) => [size, count] as const))) {
      const row = { ...gemmRow(n), name: `GEMM ${n}, tile ${tile}, ${parts} parts` };
      yield await competeIn(row, [ourselves(device, { tile, parts })], isQuick);
    }
  }
}

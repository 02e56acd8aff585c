// Opens devices with the choices that were measured for their adapter, and measures what a plan needs beyond them.

import type { Device } from '../device/device.ts';
import type { WebGpuResult } from '../device/webgpu.ts';
import type { Plan } from '../plan/plan.ts';
import type { TuningStore } from './table.ts';
import { readTable, tableName, writeTable } from './table.ts';
import type { TunedClass, TuneOptions } from './tune-products.ts';
import { tunablesOf, tuneProducts } from './tune-products.ts';

/** At most three seconds before the first step of the first job on an adapter. */
const defaultOptions: TuneOptions = { now: () => performance.now(), measureMs: 30, patienceMs: 3_000 };

/** What a device is tuned for. */
export interface TunedJob {
  readonly plan: Plan;
  readonly precision: 'f32' | 'f16';
}

/**
 * Opens a device and tunes it for a plan. A software adapter has nothing to choose from and stays as it is.
 * @param open openBrowserGpu or openDawn
 */
export async function openTuned(
  open: () => Promise<WebGpuResult>,
  job: TunedJob,
  store: TuningStore,
): Promise<WebGpuResult> {
  const opened = await open();
  if (!('device' in opened) || opened.device.info.isSoftware) return opened;
  await tuneDevice(opened.device, job, store).catch(() => {}); // untuned it still computes; if it is lost, its next use says so
  return opened;
}

/** @returns what was measured now; a plan whose classes are all known measures nothing */
export async function tuneDevice(
  device: Device,
  { plan, precision }: TunedJob,
  store: TuningStore,
  options: TuneOptions = defaultOptions,
): Promise<TunedClass[]> {
  if (!device.tuning) return [];
  const { key, choices, traits } = device.tuning;
  const name = tableName(key);
  const stored = await store.load(name).catch(() => null);
  for (const [shapeClass, choice] of readTable(stored ?? '', key)) choices.set(shapeClass, choice);
  const tuned = await tuneProducts(device, tunablesOf(plan, precision, traits), choices, options);
  for (const { shapeClass, choice } of tuned) choices.set(shapeClass, choice);
  if (tuned.length > 0) await store.save(name, writeTable(key, choices)).catch(() => {});
  return tuned;
}

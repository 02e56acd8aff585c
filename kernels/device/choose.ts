// Picks the backend that runs a plan fastest here, and says why in one sentence. A real GPU wins at once; a WebGPU adapter that runs
// on the CPU has to be measured against the CPU backend, which on small models is many times faster.

import { LoomError, describeError } from '../../shared/errors.ts';
import type { Plan } from '../plan/plan.ts';
import { openCpu } from './cpu.ts';
import type { Device } from './device.ts';
import type { WebGpuResult } from './webgpu.ts';

export interface ChosenDevice {
  readonly device: Device;
  readonly why: string; // one sentence: what was tried, measured and taken
  readonly stepsPerSecond: number; // runs of the plan
}

/** How long a candidate is looked at, in milliseconds. */
export interface MeasureLimits {
  readonly measureMs: number;
  /** Compiling and the first run of a software adapter; whoever is slower than this has lost. */
  readonly patienceMs: number;
}

const defaultLimits: MeasureLimits = { measureMs: 400, patienceMs: 3_000 };

/**
 * Opens the fastest device for a plan.
 * @param openGpu openBrowserGpu or openDawn
 * @param backend 'auto', or the one that must be taken
 * @throws LoomError `no_backend` when `backend` is 'webgpu' and there is none, or it cannot run the plan
 */
export async function chooseDevice(
  openGpu: () => Promise<WebGpuResult>,
  plan: Plan,
  backend: 'auto' | 'webgpu' | 'cpu',
  limits = defaultLimits,
): Promise<ChosenDevice> {
  if (backend === 'cpu') return takeCpu(plan, limits, 'The CPU backend was asked for');
  const opened = await openGpu();
  if (backend === 'webgpu') return takeGpu(opened, plan, limits);
  if ('reason' in opened) return takeCpu(plan, limits, `The CPU backend runs because ${opened.reason}`);
  const { adapter, isSoftware } = opened.device.info;
  return isSoftware ? compare(opened.device, plan, limits) : takeRealGpu(opened.device, adapter, plan, limits);
}

/** Runs of a plan a second on a device, the first run not counted. Inputs are zeros. */
async function measure(device: Device, plan: Plan, { measureMs }: MeasureLimits): Promise<number> {
  const program = await device.compile(plan);
  const last = [...plan.readable][0];
  const finish = () => (last === undefined ? program.readParameters() : program.read(last));
  await program.run();
  await finish();
  const start = performance.now();
  let runs = 0;
  do {
    for (let i = 0; i < 4 && performance.now() - start < measureMs; i++, runs++) await program.run();
    await finish();
  } while (performance.now() - start < measureMs);
  const seconds = (performance.now() - start) / 1000;
  program.destroy();
  return runs / seconds;
}

async function takeCpu(plan: Plan, limits: MeasureLimits, reason: string): Promise<ChosenDevice> {
  const device = openCpu();
  const stepsPerSecond = await measure(device, plan, limits);
  return { device, stepsPerSecond, why: `${reason}; it makes ${spell(stepsPerSecond)}.` };
}

async function takeGpu(opened: WebGpuResult, plan: Plan, limits: MeasureLimits): Promise<ChosenDevice> {
  if ('reason' in opened) throw new LoomError('no_backend', `WebGPU was asked for, but ${opened.reason}`);
  const { device } = opened;
  const stepsPerSecond = await holding(device, measure(device, plan, limits));
  return { device, stepsPerSecond, why: `${device.info.adapter} was asked for; it makes ${spell(stepsPerSecond)}.` };
}

/** The device is given back where the work fails. */
async function holding<T>(device: Device, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    device.destroy();
    throw error;
  }
}

async function takeRealGpu(device: Device, adapter: string, plan: Plan, limits: MeasureLimits): Promise<ChosenDevice> {
  try {
    const stepsPerSecond = await holding(device, measure(device, plan, limits));
    return { device, stepsPerSecond, why: `${adapter} is a GPU; it makes ${spell(stepsPerSecond)}.` };
  } catch (error) {
    return takeCpu(
      plan,
      limits,
      `The CPU backend runs because ${adapter} cannot run this program: ${describeError(error)}`,
    );
  }
}

async function compare(software: Device, plan: Plan, limits: MeasureLimits): Promise<ChosenDevice> {
  const { adapter } = software.info;
  const cpu = openCpu();
  const ours = await holding(software, measure(cpu, plan, limits));
  const theirs = await measureWithin(software, plan, limits);
  if (typeof theirs === 'number' && theirs > ours) {
    return {
      device: software,
      stepsPerSecond: theirs,
      why: `${adapter} makes ${spell(theirs)}, the CPU backend ${spell(ours)}.`,
    };
  }
  software.destroy();
  const loser = typeof theirs === 'number' ? `${adapter} only ${spell(theirs)}` : `${adapter} ${theirs}`;
  return { device: cpu, stepsPerSecond: ours, why: `The CPU backend makes ${spell(ours)}; ${loser}.` };
}

/** As `measure`, or why there is no number. */
async function measureWithin(device: Device, plan: Plan, limits: MeasureLimits): Promise<number | string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, limits.patienceMs, `was not ready after ${limits.patienceMs / 1000} s`);
  });
  const measured = measure(device, plan, limits).catch((error: unknown) => `failed: ${describeError(error)}`);
  return Promise.race([measured, tooLate]).finally(() => clearTimeout(timer));
}

function spell(stepsPerSecond: number): string {
  const digits = stepsPerSecond >= 100 ? 0 : stepsPerSecond >= 10 ? 1 : 2;
  return `${stepsPerSecond.toFixed(digits)} steps/s`;
}

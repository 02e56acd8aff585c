// WebGPU in Node through Dawn (npm `webgpu`). A broken driver may crash or hang a process, so that the first look at it happens
// in a child process; `requestAdapter` and a tiny kernel must succeed there before this process touches the driver.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sum } from '../elementwise/sum.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { DeviceTraits } from '../plan/op.ts';
import type { WebGpuResult } from './webgpu.ts';
import { openWebGpu } from './webgpu.ts';

const probeTimeoutMs = 20_000;

/** Dawn crashes the process once the object from `create` is collected, even while a device is held: it is pinned here. */
const pinned = globalThis as typeof globalThis & { loomosDawn?: GPU };

export interface DawnOptions {
  /** False: trust the driver without looking from a child process first. */
  readonly probe?: boolean;
  /** Replaces what the device says of itself, for tests. */
  readonly traits?: Partial<DeviceTraits>;
  /** Dawn features to switch on besides; they count for the first device of a process, which makes Dawn's only instance. */
  readonly toggles?: readonly string[];
}

/** Opens Dawn's best adapter, or says in one sentence why there is none. Never rejects. */
export async function openDawn(options: DawnOptions = {}): Promise<WebGpuResult> {
  try {
    const reason = options.probe === false ? null : await probeInChild();
    return reason === null ? await openWebGpu(await loadDawn(options.toggles), options.traits) : { reason };
  } catch (error) {
    return { reason: `Dawn could not be opened: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/**
 * Kernels write workgroup memory before they read it. Without this, SwiftShader compiles its zeroes store by store: a
 * second for each pipeline that has a few KiB of it.
 */
const standardToggles = ['disable_workgroup_init'];

/** Lets NVIDIA's driver have shader-f16, and adapters their subgroup matrices: for programs with f16 products. */
export const halfToggles = ['vulkan_enable_f16_on_nvidia', 'allow_unsafe_apis'];

/** Dawn's GPU object, made once a process. */
export async function loadDawn(toggles: readonly string[] = []): Promise<GPU> {
  const { create } = await import('webgpu');
  pinned.loomosDawn ??= create([`enable-dawn-features=${[...standardToggles, ...toggles].join(',')}`]);
  return pinned.loomosDawn;
}

/** Opens the device and runs a tiny kernel on it. Throws when anything about it is wrong. */
export async function probeDawn(): Promise<string> {
  const opened = await openDawn({ probe: false });
  if ('reason' in opened) throw new Error(opened.reason);
  const builder = new PlanBuilder();
  const x = builder.input('x', [65]);
  builder.readable(builder.op(sum, [x, x], {}, ['y'])[0]);
  const program = await opened.device.compile(builder.finish());
  program.write('x', new Float32Array(65).fill(1.5));
  await program.run();
  const y = await program.read('y');
  if (!y.every((value) => value === 3))
    throw new Error(`a kernel of this driver computes wrongly (${y[0]} instead of 3)`);
  opened.device.destroy();
  return opened.device.info.adapter;
}

/** Null when the driver works, else why not. The answer is kept in the environment, for worker threads and children. */
async function probeInChild(): Promise<string | null> {
  if (process.env['LOOMOS_DRIVER'] === 'cpu') return 'no GPU driver works here';
  if (process.env['LOOMOS_DRIVER'] !== undefined) return null; // scripts/setup probed this driver and chose it
  const known = process.env['LOOMOS_DAWN_PROBE'];
  if (known !== undefined) return known || null;
  const reason = await runProbe();
  process.env['LOOMOS_DAWN_PROBE'] = reason ?? '';
  return reason;
}

function runProbe(): Promise<string | null> {
  const script = fileURLToPath(new URL('dawn-probe.ts', import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: probeTimeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', (error) => resolve(`the driver could not be probed: ${error.message}`));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? null : output.trim() || `the GPU driver failed its probe (${signal ?? code})`),
    );
  });
}

// The devices that tests compare: the CPU backend always, and WebGPU through Dawn where there is an adapter: once as what it
// is, once as the other sort, so that the kernels for GPUs and those for software adapters are both tested everywhere.
// A machine without an adapter says so, and fails when REQUIRE_GPU=1.

import { openCpu } from '../device/cpu.ts';
import { isSoftware } from '../device/adapter.ts';
import { halfToggles, loadDawn, openDawn } from '../device/dawn.ts';
import type { Device } from '../device/device.ts';
import type { DeviceTraits } from '../plan/op.ts';
import { openEmulated } from './emulated-matrices.ts';

let opened: Promise<readonly Device[]> | null = null;

/** Every device of this machine, opened once a process; with smaller limits, opened anew. */
export function testDevices(limits?: Pick<DeviceTraits, 'maxBindingBytes'>): Promise<readonly Device[]> {
  if (limits) return openAll(limits);
  opened ??= openAll({});
  return opened;
}

/**
 * This machine's adapter as a GPU, with the subgroup matrices it may have and without; none where it has no shader-f16, which is
 * said, and of a GPU fails when REQUIRE_GPU=1.
 */
export async function halfDevices(): Promise<readonly Device[]> {
  const adapter = await (await loadDawn(halfToggles)).requestAdapter();
  if (!adapter?.features.has('shader-f16')) {
    const isGpu = adapter !== null && !isSoftware(adapter.info);
    if (process.env['REQUIRE_GPU'] === '1' && isGpu) throw new Error('REQUIRE_GPU=1, but this GPU has no shader-f16');
    console.warn('No adapter here has shader-f16: products in f16 are computed by their reference only.');
    return [];
  }
  const own = await openDawn({ traits: { isCpu: false } });
  const hasMatrices = 'device' in own && own.device.tuning?.traits.subgroupMatrices === true;
  const plain = hasMatrices ? [await openDawn({ traits: { isCpu: false, subgroupMatrices: false } })] : [];
  return [own, ...plain].flatMap((result) => ('device' in result ? [result.device] : []));
}

/** The same, and where it has no subgroup matrices, with emulated ones: for products. */
export async function halfProductDevices(): Promise<readonly Device[]> {
  const devices = await halfDevices();
  if (devices.length === 0 || devices[0]!.tuning!.traits.subgroupMatrices) return devices;
  const emulated = await openEmulated();
  return 'device' in emulated ? [...devices, emulated.device] : devices;
}

async function openAll(traits: Partial<DeviceTraits>): Promise<readonly Device[]> {
  const software = await openDawn({ toggles: halfToggles, traits: { ...traits, isCpu: true } });
  const hardware = await openDawn({ traits: { ...traits, isCpu: false } });
  if ('device' in software && 'device' in hardware) return [openCpu(), software.device, hardware.device];
  const reason = 'reason' in software ? software.reason : 'the second device could not be opened';
  if (process.env['REQUIRE_GPU'] === '1') throw new Error(`REQUIRE_GPU=1, but WebGPU is missing: ${reason}`);
  console.warn(`WebGPU is missing, so only the CPU backend is tested: ${reason}`);
  return [openCpu()];
}

import { expect, test } from 'vitest';
import { gelu } from '../elementwise/gelu.ts';
import { scale } from '../elementwise/scale.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Kernel } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { testDevices } from '../testing/devices.ts';
import { openDawn } from './dawn.ts';
import type { Device } from './device.ts';

const hasGpu = (await testDevices()).length > 1; // throws under REQUIRE_GPU=1 when there is none

async function freshDevice(): Promise<Device> {
  const opened = await openDawn();
  if ('reason' in opened) throw new Error(opened.reason);
  return opened.device;
}

function planOf(kernel: Kernel, elements = 100): Plan {
  const builder = new PlanBuilder();
  builder.readable(builder.op(kernel, [builder.input('x', [elements])], { factor: 2 }, ['y'])[0]);
  return builder.finish();
}

test.runIf(hasGpu)('a lost device is told by name, to runs, reads and writes', async () => {
  const device = await freshDevice();
  const program = await device.compile(planOf(gelu));
  await program.run();
  device.destroy();
  expect(await device.lost).toBeTruthy();
  await expect(program.run()).rejects.toMatchObject({ code: 'device_lost' });
  await expect(program.read('y')).rejects.toMatchObject({ code: 'device_lost' });
  await expect(device.compile(planOf(gelu))).rejects.toMatchObject({ code: 'device_lost' });
  expect(() => program.write('x', new Float32Array(100))).toThrow(expect.objectContaining({ code: 'device_lost' }));
});

test.runIf(hasGpu)('a read in flight ends when the device goes away', async () => {
  const device = await freshDevice();
  const program = await device.compile(planOf(gelu));
  await program.run();
  const read = program.read('y');
  device.destroy();
  const hangs = new Promise((resolve) => setTimeout(resolve, 60_000, 'hangs'));
  expect(await Promise.race([read.catch(() => 'ended'), hangs])).not.toBe('hangs');
});

test.runIf(hasGpu)('wrong WGSL is refused at compile time with its name', async () => {
  const broken: Kernel = {
    ...scale,
    dispatches: (op, traits, scratch) =>
      scale.dispatches(op, traits, scratch).map((dispatch) => ({ ...dispatch, code: `${dispatch.code} nonsense` })),
  };
  const device = await freshDevice();
  await expect(device.compile(planOf(broken))).rejects.toThrow('scale.scale');
  device.destroy();
});

test.runIf(hasGpu)('a tensor beyond the binding limit is refused with its name', async () => {
  const opened = await openDawn({ traits: { maxBindingBytes: 1024 } });
  if ('reason' in opened) throw new Error(opened.reason);
  await expect(opened.device.compile(planOf(gelu, 300))).rejects.toMatchObject({
    code: 'no_backend',
    allowed: '1024 bytes',
  });
  opened.device.destroy();
});

test.runIf(hasGpu)('writes, runs and reads keep their order, however many are under way', async () => {
  const device = await freshDevice();
  const program = await device.compile(planOf(scale));
  const reads = [];
  for (let step = 0; step < 10; step++) {
    program.write('x', new Float32Array(100).fill(step));
    await program.run();
    reads.push(program.read('y'));
  }
  expect((await Promise.all(reads)).map((values) => values[99])).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  device.destroy();
});

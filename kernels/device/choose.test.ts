import { expect, test } from 'vitest';
import { gelu } from '../elementwise/gelu.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Plan } from '../plan/plan.ts';
import { chooseDevice } from './choose.ts';
import { openCpu } from './cpu.ts';
import { openDawn } from './dawn.ts';
import type { Device } from './device.ts';

const limits = { measureMs: 30, patienceMs: 20_000 };

function smallPlan(): Plan {
  const builder = new PlanBuilder();
  const [y] = builder.op(matmul, [builder.input('x', [64, 64]), builder.parameter('w', [64, 64])], { layout: 'nn' });
  builder.readable(builder.op(gelu, [y], {}, ['y'])[0]);
  return builder.finish();
}

/** The CPU backend under another name, for the ways of choosing that need a GPU which is none. */
function disguised(info: Partial<Device['info']>, compile = openCpu().compile): Device {
  const cpu = openCpu();
  return { ...cpu, info: { kind: 'webgpu', adapter: 'Some GPU', isSoftware: false, ...info }, compile };
}

test('without WebGPU the CPU backend runs, and the reason is told', async () => {
  const { device, why, stepsPerSecond } = await chooseDevice(
    async () => ({ reason: 'there is no driver' }),
    smallPlan(),
    'auto',
    limits,
  );
  expect(device.info.kind).toBe('cpu');
  expect(why).toMatch(/^The CPU backend runs because there is no driver; it makes [\d.]+ steps\/s\.$/);
  expect(stepsPerSecond).toBeGreaterThan(0);
});

test('a backend that was asked for is taken or refused, never replaced', async () => {
  const missing = async () => ({ reason: 'there is no driver' });
  await expect(chooseDevice(missing, smallPlan(), 'webgpu', limits)).rejects.toMatchObject({ code: 'no_backend' });
  const cpu = await chooseDevice(() => Promise.reject(new Error('not looked at')), smallPlan(), 'cpu', limits);
  expect(cpu.device.info.kind).toBe('cpu');
});

test('a GPU that was asked for and cannot run the program is given back', async () => {
  let isOpen = true;
  const broken = disguised({}, () => Promise.reject(new Error('too large')));
  const device = { ...broken, destroy: () => void (isOpen = false) };
  await expect(chooseDevice(async () => ({ device }), smallPlan(), 'webgpu', limits)).rejects.toThrow('too large');
  expect(isOpen).toBe(false);
});

test('a real GPU wins at once', async () => {
  const { why } = await chooseDevice(async () => ({ device: disguised({}) }), smallPlan(), 'auto', limits);
  expect(why).toMatch(/^Some GPU is a GPU/);
});

test('a GPU that cannot run the program leaves it to the CPU', async () => {
  const broken = disguised({}, () => Promise.reject(new Error('too large')));
  const { device, why } = await chooseDevice(async () => ({ device: broken }), smallPlan(), 'auto', limits);
  expect(device.info.kind).toBe('cpu');
  expect(why).toContain('Some GPU cannot run this program: too large');
});

test('a software adapter that takes too long has lost', async () => {
  const slow = disguised({ adapter: 'Slow', isSoftware: true }, () => new Promise(() => {}));
  const { device, why } = await chooseDevice(async () => ({ device: slow }), smallPlan(), 'auto', {
    ...limits,
    patienceMs: 50,
  });
  expect(device.info.kind).toBe('cpu');
  expect(why).toContain('Slow was not ready after 0.05 s');
});

test('the adapter of this machine and the CPU backend are measured', async () => {
  const { device, why } = await chooseDevice(openDawn, smallPlan(), 'auto', limits);
  expect(why).toMatch(/\d steps\/s/);
  expect((await device.compile(smallPlan())).plan.parameterCount).toBe(4096);
});

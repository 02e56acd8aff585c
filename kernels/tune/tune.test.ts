import { expect, test } from 'vitest';
import type { Device } from '../device/device.ts';
import { gelu } from '../elementwise/gelu.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { DeviceTraits } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { testDevices } from '../testing/devices.ts';
import { gpuWithHalves, plainGpu } from '../testing/half-plan.ts';
import { openReference } from '../testing/reference-device.ts';
import type { TuningStore } from './table.ts';
import { readTable, tableName, writeTable } from './table.ts';
import { tunablesOf } from './tune-products.ts';
import { tuneDevice } from './tuned-device.ts';

/** Two products of one class and one of another, and a row alone. */
function listPlan() {
  const builder = new PlanBuilder();
  const product = (m: number, k: number, n: number, name: string) =>
    builder.readable(
      builder.op(matmul, [builder.input(`a${name}`, [m, k]), builder.input(`b${name}`, [k, n])], { layout: 'nn' }, [
        name,
      ])[0],
    );
  for (const [name, m] of [
    ['one', 40],
    ['two', 33],
    ['row', 1],
  ] as const)
    product(m, 24, 20, name);
  product(20, 600, 20, 'deep');
  return builder.finish();
}

/** Two products with a GELU between them, and their gradients: those of the first have one that is stored as f16. */
function listLayer() {
  const builder = new PlanBuilder();
  const operands = [builder.parameter('a', [20, 24]), builder.parameter('b', [24, 36])];
  const active = builder.op(gelu, [builder.op(matmul, operands, { layout: 'nn' })[0]])[0];
  const output = builder.op(matmul, [active, builder.parameter('c', [36, 24])], { layout: 'nn' })[0];
  builder.backwardFrom([{ output, gradient: builder.input('seed', [20, 24]) }]);
  return builder.finish();
}

/** A GELU of a product, and both gradients of the product, which share a dispatch. */
function listPair() {
  const builder = new PlanBuilder();
  const operands = [builder.parameter('a', [20, 24]), builder.parameter('b', [24, 36])];
  const output = builder.op(gelu, [builder.op(matmul, operands, { layout: 'nn' })[0]])[0];
  builder.backwardFrom([{ output, gradient: builder.input('seed', [20, 36]) }]);
  return builder.finish();
}

const pairClass = 'nt 32x32x64 and tn 32x64x32';

function memoryStore(): TuningStore & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    load: async (name) => texts.get(name) ?? null,
    save: async (name, text) => void texts.set(name, text),
  };
}

/** A clock that moves by a hundredth of a second whenever it is read, so that no test waits for real time. */
function ticking(): () => number {
  let now = 0;
  return () => (now += 10);
}

test('what a plan has to tune is one of a class, the most work first', () => {
  const classes = (plan: Plan, precision: 'f32' | 'f16') =>
    tunablesOf(plan, precision, gpuWithHalves).map(({ shapeClass }) => shapeClass);
  expect(classes(listPlan(), 'f32')).toEqual(['nn 32x32x1024', 'nn 64x32x32']);
  expect(classes(listPair(), 'f32')).toEqual([pairClass, 'nn 32x64x32']);
  expect(classes(listPair(), 'f16')).toEqual([`f16 ${pairClass}`, 'f16 nn 32x64x32']);
  const pair = tunablesOf(listLayer(), 'f16', gpuWithHalves).find(
    ({ shapeClass }) => shapeClass === `f16 ${pairClass}`,
  );
  expect(pair!.shapes.map(({ kinds }) => kinds)).toEqual([
    ['gradient', undefined],
    [undefined, 'gradient'],
  ]);
});

test('a GPU is tuned once: what was measured is kept, read again and used', { timeout: 300_000 }, async () => {
  const [cpu, , hardware] = await testDevices();
  expect(await tuneDevice(cpu!, { plan: listPlan(), precision: 'f32' }, memoryStore())).toEqual([]);
  if (!hardware) return; // testDevices has said why
  const [job, store] = [{ plan: listPair(), precision: 'f32' } as const, memoryStore()];
  const options = { now: ticking(), measureMs: 1, patienceMs: 1e9 };
  const tuned = await tuneDevice(hardware, job, store, options);
  expect(tuned.map(({ shapeClass, refused }) => [shapeClass, refused])).toEqual([
    [pairClass, 0],
    ['nn 32x64x32', 0],
  ]);
  const { key, choices } = hardware.tuning!;
  expect([...choices.keys()]).toEqual([pairClass, 'nn 32x64x32']);
  expect(readTable(store.texts.get(tableName(key))!, key)).toEqual(choices);
  choices.clear();
  expect(await tuneDevice(hardware, job, store, options)).toEqual([]); // all of it was read
  expect(choices.size).toBe(2);
  choices.clear();
});

/** The references as a device with something to tune, whose results are wrong by a factor. */
function fakeGpu(traits: DeviceTraits, factor = 1): Device {
  const reference = openReference();
  return {
    ...reference,
    tuning: { key: {}, choices: new Map(), traits },
    compile: async (plan, options) => {
      const program = await reference.compile(plan, options);
      const read = program.read.bind(program);
      return Object.assign(program, { read: async (name: string) => (await read(name)).map((x) => x * factor) });
    },
  };
}

test('products in f16 are classes of their own; without shader-f16 they are f32', async () => {
  const job = { plan: listPair(), precision: 'f16' } as const;
  const tune = async (device: Device) => {
    const tuned = await tuneDevice(device, job, memoryStore(), { now: ticking(), measureMs: 1, patienceMs: 1e9 });
    return tuned.map(({ shapeClass, refused }) => `${shapeClass}: ${refused}`);
  };
  expect(await tune(fakeGpu(gpuWithHalves))).toEqual([`f16 ${pairClass}: 0`, 'f16 nn 32x64x32: 0']);
  expect(await tune(fakeGpu(plainGpu))).toEqual([`${pairClass}: 0`, 'nn 32x64x32: 0']);
});

test('a choice that computes wrongly is refused, in f16 beyond what rounding explains', async () => {
  const tune = (precision: 'f32' | 'f16', factor: number) =>
    tuneDevice(fakeGpu(gpuWithHalves, factor), { plan: listPair(), precision }, memoryStore(), {
      now: ticking(),
      measureMs: 1,
      patienceMs: 1e9,
    });
  expect(await tune('f32', 1.001)).toEqual([]);
  expect((await tune('f16', 1.001)).length).toBe(2);
  expect(await tune('f16', 1.1)).toEqual([]);
});

test('a table of another adapter, of other kernels or of nonsense is not believed', () => {
  const key = { vendor: 'nvidia', kernels: 'abc' };
  const text = writeTable(key, new Map([['nn 64x64x64', { tile: 128, parts: 2 }]]));
  expect(readTable(text, key).size).toBe(1);
  expect(readTable(text, { ...key, kernels: 'abd' }).size).toBe(0);
  expect(readTable('no JSON', key).size).toBe(0);
  expect(readTable(text.replace('128', '129'), key).size).toBe(0);
});

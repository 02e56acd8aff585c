import { expect, test } from 'vitest';
import type { Device } from '../device/device.ts';
import { matmul } from '../matmul/matmul.ts';
import { shapeClassOf } from '../matmul/shape-class.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { testDevices } from '../testing/devices.ts';
import type { TuningStore } from './table.ts';
import { readTable, tableName, writeTable } from './table.ts';
import { productsOf } from './tune-products.ts';
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

test('the products of a plan are one a class, the most work first', () => {
  const classes = productsOf(listPlan()).map(({ product }) => shapeClassOf(product));
  expect(classes).toEqual(['nn 32x32x1024', 'nn 64x32x32']);
});

test('a GPU is tuned once: what was measured is kept, read again and used', { timeout: 300_000 }, async () => {
  const [cpu, , hardware] = await testDevices();
  expect(await tuneDevice(cpu!, listPlan(), memoryStore())).toEqual([]);
  if (!hardware) return; // testDevices has said why
  const builder = new PlanBuilder();
  builder.op(matmul, [builder.input('a', [20, 24]), builder.input('b', [24, 20])], { layout: 'nn' });
  const [plan, store] = [builder.finish(), memoryStore()];
  const options = { now: ticking(), measureMs: 1, patienceMs: 1e9 };
  const tuned = await tuneDevice(hardware, plan, store, options);
  expect(tuned.map(({ shapeClass, refused }) => [shapeClass, refused])).toEqual([['nn 32x32x32', 0]]);
  const { key, choices } = hardware.tuning!;
  expect([...choices.keys()]).toEqual(['nn 32x32x32']);
  expect(readTable(store.texts.get(tableName(key))!, key)).toEqual(choices);
  choices.clear();
  expect(await tuneDevice(hardware, plan, store, options)).toEqual([]); // all of it was read
  expect(choices.size).toBe(1);
  choices.clear();
});

test('a choice that computes wrongly is refused', async () => {
  const wrong: Device = {
    ...(await testDevices())[0]!,
    tuning: { key: {}, choices: new Map() },
    compile: async (plan) => {
      const program = await (await testDevices())[0]!.compile(plan);
      const read = program.read.bind(program);
      return Object.assign(program, { read: async (name: string) => (await read(name)).map((value) => value + 0.1) });
    },
  };
  expect(await tuneDevice(wrong, listPlan(), memoryStore())).toEqual([]);
});

test('a table of another adapter, of other kernels or of nonsense is not believed', () => {
  const key = { vendor: 'nvidia', kernels: 'abc' };
  const text = writeTable(key, new Map([['nn 64x64x64', { tile: 128, parts: 2 }]]));
  expect(readTable(text, key).size).toBe(1);
  expect(readTable(text, { ...key, kernels: 'abd' }).size).toBe(0);
  expect(readTable('no JSON', key).size).toBe(0);
  expect(readTable(text.replace('128', '129'), key).size).toBe(0);
});

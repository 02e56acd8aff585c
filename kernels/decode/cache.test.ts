import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { PlanBuilder } from '../plan/builder.ts';

import { attend } from '../attention/attention.ts';
import { rotate, rotaryTable } from '../rotary/rotary.ts';
import type { Plan } from '../plan/plan.ts';
import { checkKernel, expectClose, relativeDistance } from '../testing/check.ts';
import { halfDevices } from '../testing/devices.ts';
import { halfPlan } from '../testing/half-plan.ts';
import { interpret } from '../testing/interpret.ts';
import { rotaryAngles } from '../rotary/angles.ts';
import { appendToCache, attendToCache, cacheAppendKernel, cacheAttentionKernel, declareCache } from './cache.ts';
import { decodeCursor } from './cursor.ts';

const sizes = { heads: 6, kvHeads: 2, headSize: 10, capacity: 300 };
const rowWidth = (sizes.heads + 2 * sizes.kvHeads) * sizes.headSize;
const cachesOf = (texts: number) => [
  { shape: [texts * sizes.kvHeads, sizes.headSize, sizes.capacity] },
  { shape: [texts * sizes.capacity, sizes.kvHeads * sizes.headSize] },
];
const angles = {
  shape: [sizes.capacity, sizes.headSize / 2, 2],
  data: rotaryAngles(sizes.capacity, sizes.headSize, { base: 10_000 }),
};
const cursor = (...positions: number[]) =>
  ({ shape: [4 * positions.length], dtype: 'u32', data: positions.flatMap((at) => [1, at, 0, 0]) }) as const;
const attributes = {
  heads: sizes.heads,
  kvHeads: sizes.kvHeads,
  capacity: sizes.capacity,
  scale: 1 / Math.sqrt(sizes.headSize),
};

test('rows are appended, turned or not; what does not fit is dropped', { timeout: 60_000 }, async () => {
  const [qkv, more] = [{ shape: [2, rowWidth] }, { shape: [301, rowWidth] }];
  const check = { kernel: cacheAppendKernel, before: cachesOf(2) };
  const place = { ...attributes, texts: 2, slotted: false };
  const turned = { ...place, atCursor: true, turns: true };
  await checkKernel({ ...check, inputs: [qkv, cursor(7, 0), angles], attributes: turned });
  await checkKernel({ ...check, inputs: [qkv, cursor(300, 299), angles], attributes: turned });
  const one = { ...place, atCursor: false, turns: false };
  await checkKernel({ ...check, inputs: [more, more], attributes: one });
  const slot = { shape: [1], dtype: 'u32', data: [1] } as const;
  await checkKernel({ ...check, inputs: [more, slot], attributes: { ...one, slotted: true } });
});

test.each([[0], [3], [299], [299, 0, 7]])(
  'attention over caches up to positions %o',
  { timeout: 60_000 },
  async (...at) => {
    const inputs = [{ shape: [at.length, rowWidth] }, cursor(...at), ...cachesOf(at.length)];
    const check = { kernel: cacheAttentionKernel };
    await checkKernel({ ...check, inputs, attributes: { ...attributes, atCursor: true, turns: false } });
    await checkKernel({
      ...check,
      inputs: [...inputs, angles],
      attributes: { ...attributes, atCursor: true, turns: true },
    });
  },
);

test('one query after another gives what attention over the whole sequence gives', () => {
  const { heads, kvHeads, headSize } = sizes;
  const time = 9;
  const random = createRandom(2);
  const rows = Float32Array.from({ length: time * rowWidth }, () => random.normal());
  const whole = new PlanBuilder();
  const turned = rotate(
    whole,
    whole.input('qkv', [time, rowWidth]),
    rotaryTable(whole, { time, headSize }),
    heads + kvHeads,
  );
  const all = attend(whole, turned, { time, heads, kvHeads });
  const wanted = interpret(whole.finish(), { qkv: rows }).get(all.name)!;

  const step = new PlanBuilder();
  const at = { cursor: decodeCursor(step), angles: rotaryTable(step, { time, headSize }) };
  const qkv = step.input('qkv', [1, rowWidth]);
  const cache = declareCache(step, 'cache', { heads, kvHeads, headSize, capacity: time });
  appendToCache(step, qkv, cache, at);
  const one = attendToCache(step, qkv, cache, at);
  const plan = step.finish();
  const kept: Record<string, ArrayLike<number>> = {};
  for (let t = 0; t < time; t++) {
    const row = rows.subarray(t * rowWidth, (t + 1) * rowWidth);
    const tensors = interpret(plan, { ...kept, qkv: row, 'decode.cursor': [0, t, 0, 0] });
    for (const name of ['cache.keys', 'cache.values']) kept[name] = tensors.get(name)!;
    const width = heads * headSize;
    expectClose(tensors.get(one.name)!, wanted.subarray(t * width, (t + 1) * width), 1e-5, `position ${t}`);
  }
});

test(
  'in f16, caches take half the memory, and attention is over rounded keys and values',
  { timeout: 300_000 },
  async () => {
    const { heads, kvHeads, headSize, capacity } = { ...sizes, capacity: 5 };
    const [rows, random] = [2, createRandom(4)];
    const builder = new PlanBuilder();
    const at = { cursor: decodeCursor(builder, rows), angles: rotaryTable(builder, { time: capacity, headSize }) };
    const cache = declareCache(builder, 'cache', { heads, kvHeads, headSize, capacity, texts: rows });
    const qkv = builder.input('qkv', [rows, rowWidth]);
    appendToCache(builder, qkv, cache, at);
    const out = builder.readable(attendToCache(builder, qkv, cache, at));
    const plan = builder.finish();
    const half = halfPlan(plan);
    const stored = half.tensors.filter(({ dtype }) => dtype === 'f16');
    expect(stored.map(({ name }) => name)).toEqual(['cache.keys', 'cache.values']);
    const steps = [0, 1, 2].map((position) => ({
      qkv: Float32Array.from({ length: rows * rowWidth }, () => random.normal()),
      'decode.cursor': Uint32Array.of(0, position, 0, 0, 0, position + 1, 0, 0),
    }));
    const outsOf = (of: Plan) => {
      let kept: Record<string, ArrayLike<number>> = {};
      return steps.map((step) => {
        const tensors = interpret(of, { ...kept, ...step });
        kept = Object.fromEntries(['cache.keys', 'cache.values'].map((name) => [name, tensors.get(name)!]));
        return tensors.get(out.name)!;
      });
    };
    const [rounded, exact] = [outsOf(half), outsOf(plan)];
    for (const [step, wanted] of exact.entries()) {
      expectClose(rounded[step]!, wanted, 2e-3, `rounded at step ${step}`);
      expect(relativeDistance(rounded[step]!, wanted)).toBeGreaterThan(1e-5);
    }
    for (const device of await halfDevices()) {
      const program = await device.compile(plan, { precision: 'f16' });
      for (const [step, { qkv, ...cursor }] of steps.entries()) {
        program.write('qkv', qkv);
        program.write('decode.cursor', cursor['decode.cursor']);
        await program.run();
        expectClose(await program.read(out.name), rounded[step]!, 1e-5, `step ${step} on ${device.info.adapter}`);
      }
      expect(() => program.write('cache.keys', new Float32Array(rows * kvHeads * headSize * capacity))).toThrow(
        'as f16',
      );
      await expect(device.compile(plan, { shareWith: program })).rejects.toThrow('share state cache.keys');
      program.destroy();
    }
  },
);

test('shapes that do not fit are refused', () => {
  const builder = new PlanBuilder();
  const cache = declareCache(builder, 'cache', sizes);
  const at = { cursor: decodeCursor(builder), angles: null };
  expect(() => attendToCache(builder, builder.input('two rows', [2, rowWidth]), cache, at)).toThrow(
    'cacheAttention: decode.cursor is u32[4]',
  );
  expect(() => appendToCache(builder, builder.input('narrow', [1, rowWidth - 1]), cache, at)).toThrow(
    'is not 6 + 2 * 2 heads',
  );
});

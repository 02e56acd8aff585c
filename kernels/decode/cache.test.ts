import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { PlanBuilder } from '../plan/builder.ts';

import { attend } from '../attention/attention.ts';
import { rotate, rotaryTable } from '../rotary/rotary.ts';
import { checkKernel, expectClose } from '../testing/check.ts';
import { interpret } from '../testing/interpret.ts';
import { rotaryAngles } from '../rotary/angles.ts';
import { appendToCache, attendToCache, cacheAppendKernel, cacheAttentionKernel, declareCache } from './cache.ts';
import { decodeCursor } from './cursor.ts';

const sizes = { heads: 6, kvHeads: 2, headSize: 10, capacity: 300 };
const rowWidth = (sizes.heads + 2 * sizes.kvHeads) * sizes.headSize;
const cacheShapes = [
  { shape: [sizes.kvHeads, sizes.headSize, sizes.capacity] },
  { shape: [sizes.capacity, sizes.kvHeads * sizes.headSize] },
];
const angles = {
  shape: [sizes.capacity, sizes.headSize / 2, 2],
  data: rotaryAngles(sizes.capacity, sizes.headSize, { base: 10_000 }),
};
const cursor = (position: number) => ({ shape: [4], dtype: 'u32', data: [1, position, 0, 0] }) as const;
const attributes = {
  heads: sizes.heads,
  kvHeads: sizes.kvHeads,
  capacity: sizes.capacity,
  scale: 1 / Math.sqrt(sizes.headSize),
};

test('rows are appended, turned or not; what does not fit is dropped', { timeout: 60_000 }, async () => {
  const qkv = { shape: [5, rowWidth] };
  const check = { kernel: cacheAppendKernel, before: cacheShapes };
  const place = { ...attributes, atCursor: true, turns: true };
  await checkKernel({ ...check, inputs: [qkv, cursor(7), angles], attributes: place });
  await checkKernel({ ...check, inputs: [qkv, cursor(297), angles], attributes: place });
  await checkKernel({ ...check, inputs: [qkv, qkv], attributes: { ...attributes, atCursor: false, turns: false } });
});

test.each([0, 3, 299])('attention over a cache up to position %i', { timeout: 60_000 }, async (position) => {
  const inputs = [{ shape: [1, rowWidth] }, cursor(position), ...cacheShapes];
  const check = { kernel: cacheAttentionKernel };
  await checkKernel({ ...check, inputs, attributes: { ...attributes, atCursor: true, turns: false } });
  await checkKernel({
    ...check,
    inputs: [...inputs, angles],
    attributes: { ...attributes, atCursor: true, turns: true },
  });
});

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

test('shapes that do not fit are refused', () => {
  const builder = new PlanBuilder();
  const cache = declareCache(builder, 'cache', sizes);
  const at = { cursor: decodeCursor(builder), angles: null };
  expect(() => attendToCache(builder, builder.input('two rows', [2, rowWidth]), cache, at)).toThrow(
    '2 rows instead of one',
  );
  expect(() => appendToCache(builder, builder.input('narrow', [1, rowWidth - 1]), cache, at)).toThrow(
    'is not 6 + 2 * 2 heads',
  );
});

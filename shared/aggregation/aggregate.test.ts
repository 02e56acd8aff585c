import { expect, test } from 'vitest';
import { toHex } from '../bytes.ts';
import type { Aggregation } from '../manifest/aggregation.ts';
import { createRandom } from '../random.ts';
import { aggregate } from './aggregate.ts';
import type { Difference } from './rule.ts';
import { distance, norm } from './vectors.ts';

const robust = [
  'median',
  { kind: 'trimmed-mean', attackers: 0.4 },
  { kind: 'krum', attackers: 0.4 },
  { kind: 'multi-krum', attackers: 0.4 },
  'geometric-median',
  'centered-clipping',
  'robust',
] as const satisfies readonly Aggregation[];
const all: readonly Aggregation[] = ['mean', ...robust];
const elements = 200;

test.each(all)('%j of equal contributions is the contribution', (rule) => {
  const one = noise(1, 1);
  const result = run(rule, [one, one, one, one, one]);
  for (let i = 0; i < elements; i++) expect(result[i]).toBeCloseTo(one[i]!, 6);
});

test.each(all)('%j of one contribution is the contribution, of two it is finite', (rule) => {
  expect([...run(rule, [noise(1, 1)])]).toEqual([...noise(1, 1)]);
  expect(run(rule, [noise(1, 1), noise(2, 1)]).every(Number.isFinite)).toBe(true);
});

test.each(all)('%j gives the same bits for the same list, and hardly differs for another order', (rule) => {
  const list = honest(9);
  const result = run(rule, list);
  expect(bits(run(rule, list))).toBe(bits(result));
  expect(distance(run(rule, list.toReversed()), result)).toBeLessThan(1e-6 * norm(result));
});

test.each(['median', 'trimmed-mean', 'krum'] as const)('%s does not depend on the order to the last bit', (rule) => {
  const list = [...honest(8), new Float32Array(elements), new Float32Array(elements).fill(-0)];
  const expected = bits(run(rule, list));
  expect(bits(run(rule, list.toReversed()))).toBe(expected);
  expect(bits(run(rule, [...list.slice(4), ...list.slice(0, 4)]))).toBe(expected);
});

test.each(all)('%j of contributions 8 times as large is 8 times as large', (rule) => {
  const list = honest(7);
  const larger = run(
    rule,
    list.map((one) => one.map((value) => 8 * value)),
  );
  expect(larger).toEqual(run(rule, list).map((value) => 8 * value));
});

test.each(robust)('%j: 4 of 11 liars do not move it far, whatever they send', (rule) => {
  const list = honest(7);
  const centre = run('mean', list);
  const spread = Math.max(...list.map((one) => distance(one, centre)));
  for (const lie of lies()) {
    const result = run(rule, [lie, ...list, lie, lie, lie]);
    expect(distance(result, centre)).toBeLessThan(2.5 * spread);
  }
});

test('the mean is moved by a single liar', () => {
  const lie = new Float32Array(elements).fill(1e6);
  expect(norm(run('mean', [...honest(10), lie]))).toBeGreaterThan(1e5);
});

test.each(all)('%j: contributions that are not finite or have no tokens are left out, the first by name', (rule) => {
  const list = honest(3).map(counted);
  const rotten = [NaN, Infinity].map((value) => counted(noise(5, 1).fill(value, 17, 18)));
  const idle = { difference: noise(6, 100), tokens: 0 };
  const found = aggregate(rule, [rotten[0]!, list[0]!, list[1]!, idle, rotten[1]!, list[2]!], context());
  expect(found.dropped).toEqual([0, 4]);
  expect(found.difference).toEqual(aggregate(rule, list, context()).difference);
  expect(aggregate(rule, [...rotten, idle], context())).toEqual({ difference: null, dropped: [0, 1] });
});

test('only the mean weighs by tokens', () => {
  const list = [2, 5, 11].map((value) => new Float32Array(elements).fill(value));
  const weigh = (rule: Aggregation) => {
    const weighed = list.map((difference, k) => ({ difference, tokens: k === 0 ? 800 : 100 }));
    return aggregate(rule, weighed, context()).difference![0]!;
  };
  expect(weigh('mean')).toBeCloseTo(3.2, 5);
  for (const rule of robust) expect(weigh(rule)).toBe(run(rule, list)[0]);
});

test('bucketing: groups change from round to round, and every contribution is in one', () => {
  const list = honest(9);
  const results = [0, 1, 2].map((round) => run({ kind: 'median', bucketSize: 2 }, list, round));
  expect(new Set(results.map(bits)).size).toBe(3);
  const whole = run({ kind: 'median', bucketSize: 9 }, list);
  expect(distance(whole, run('mean', list))).toBeLessThan(1e-6);
});

test('bucketing lets rules see what only some workers say: of 12 contributions, 4 speak of a coordinate', () => {
  const list = Array.from({ length: 12 }, (_, k) => new Float32Array(elements).fill(k < 4 ? 3 : 0));
  const heard = (bucketSize: number): number =>
    [0, 1, 2, 3, 4].reduce((sum, round) => sum + run({ kind: 'median', bucketSize }, list, round)[0]! / 5, 0);
  expect(heard(1)).toBe(0);
  expect(heard(4)).toBeGreaterThan(0.5);
});

test('sparse contributions: coordinate-wise rules lose nearly all, the others keep the direction', () => {
  const truth = noise(9, 1);
  const list = Array.from({ length: 25 }, (_, k) => sparse(truth, k));
  const kept = (rule: Aggregation): number => dot(run(rule, list), truth) / dot(run('mean', list), truth);
  expect(kept('median')).toBeLessThan(0.01);
  expect(kept({ kind: 'trimmed-mean', attackers: 0.2 })).toBeLessThan(0.05);
  for (const rule of ['geometric-median', 'centered-clipping', 'multi-krum'] as const) {
    expect(kept(rule)).toBeGreaterThan(0.8);
  }
});

test('clipTensors bounds each tensor by its median norm among those that say something, and the whole', () => {
  const ranges = [
    { offset: 0, elements: 2 },
    { offset: 2, elements: 2 },
  ];
  const list = [
    [3, 4, 0, 0],
    [0, 5, 0, 0],
    [0, 5, 0, 2],
    [600, 800, 0, 6],
  ].map((values) => counted(Float32Array.from(values)));
  const { difference } = aggregate({ kind: 'mean', clipTensors: true }, list, { round: 0, elements: 4, ranges });
  // Norms 5, 5, 5, 1000 and 0, 0, 2, 6; the whole contributions' lower median is 5.
  const whole = 5 / Math.sqrt(25 + 4);
  const expected = [(3 + 3 * whole) / 4, (4 + 5 + 5 * whole + 4 * whole) / 4, 0, (2 * whole + 2 * whole) / 4];
  for (const [i, value] of expected.entries()) expect(difference![i]).toBeCloseTo(value, 5);
  expect([...list[3]!.difference]).toEqual([600, 800, 0, 6]);
});

test.each([
  { kind: 'centered-clipping', aligned: true },
  { kind: 'geometric-median', aligned: true },
  'robust',
] as const)('%j: what points backwards does not count, as long as it is less than half', (rule) => {
  const list = honest(7);
  const alone = run(rule, list);
  const backwards = list.map((one) => one.map((value) => -value));
  expect(distance(run(rule, [...list, ...backwards.slice(0, 5)]), alone)).toBeLessThan(1e-6 * norm(alone));
  expect(norm(run(rule, [...list, ...backwards.slice(0, 7)]))).toBeLessThan(0.2 * norm(alone));
});

test('golden bits: a change of any rule is a change of every running job', () => {
  const list = honest(12);
  const hashes = [...all, { kind: 'centered-clipping', bucketSize: 2, clipTensors: true } as const].map((rule) =>
    bits(run(rule, list)).slice(0, 16),
  );
  expect(hashes).toMatchInlineSnapshot(`
    [
      "bd8e17bf0487153f",
      "203fd8be3859003f",
      "203fd8be3859003f",
      "c51987bf6b4ba03f",
      "d62035bf9f7d0f3f",
      "59011bbff358163f",
      "3b2318bf5aa8153f",
      "609c16bfc7b2133f",
      "70ce16bf45b3133f",
    ]
  `);
});

test('a difference of another length is refused', () => {
  expect(() => run('median', [new Float32Array(3)])).toThrow(/3 elements for 200/);
});

function run(rule: Aggregation, vectors: readonly Float32Array[], round = 0): Float32Array {
  return aggregate(rule, vectors.map(counted), context(round)).difference!;
}

function context(round = 0) {
  return {
    round,
    elements,
    ranges: [
      { offset: 0, elements: 64 },
      { offset: 64, elements: elements - 64 },
    ],
  };
}

function counted(difference: Float32Array): Difference {
  return { difference, tokens: 100 };
}

/** A common direction and each one's own noise. */
function honest(count: number): Float32Array[] {
  const common = noise(100, 1);
  return Array.from({ length: count }, (_, k) => {
    const own = noise(k, 0.5);
    return common.map((value, i) => value + own[i]!);
  });
}

function lies(): Float32Array[] {
  const common = noise(100, 1);
  return [
    common.map((value) => -10 * value),
    common.map((value) => -value),
    new Float32Array(elements).fill(3e38),
    new Float32Array(elements).fill(-1e20),
    new Float32Array(elements),
    common.map((value) => value + 2),
  ];
}

/** One in 16 elements, others for each worker. */
function sparse(truth: Float32Array, worker: number): Float32Array {
  const random = createRandom(worker, 77);
  return truth.map((value) => (random.below(16) === 0 ? value : 0));
}

function noise(seed: number, size: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: elements }, () => size * random.normal());
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function bits(vector: Float32Array): string {
  return toHex(new Uint8Array(vector.buffer));
}

import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { outerStep, stateHash } from './state.ts';
import type { AgreedState } from './state.ts';

const whole = { offset: 0, elements: 4096, decay: false };
const averaging = { aggregation: 'mean', isSign: false, weightDecay: 0, ranges: [whole] } as const;
const plain = { learningRate: 1, momentum: 0, ...averaging };

test('one worker and plain averaging: the step is the difference itself', () => {
  const state = initial(100);
  const difference = noise(2, 100);
  const next = outerStep(state, [{ difference, tokens: 512 }], plain);
  expect(next.round).toBe(1);
  expect(next.momentum).toBeNull();
  for (let i = 0; i < 100; i++) expect(next.parameters[i]).toBe(Math.fround(state.parameters[i]! + difference[i]!));
});

test('padding stays zero whatever a payload says of it: checkpoints do not hold it', () => {
  const ranges = [
    { offset: 0, elements: 2, decay: false },
    { offset: 4, elements: 1, decay: false },
  ];
  const state: AgreedState = { round: 0, parameters: new Float32Array(6), momentum: null };
  const contribution = { difference: Float32Array.of(1, 2, 3, 4, 5, 6), tokens: 1 };
  const next = outerStep(state, [contribution], { ...plain, momentum: 0.5, ranges });
  expect([...next.parameters]).toEqual([1.5, 3, 0, 0, 7.5, 0]);
  expect([...next.momentum!]).toEqual([1, 2, 0, 0, 5, 0]);
});

test('differences weigh as their tokens', () => {
  const state: AgreedState = { round: 4, parameters: Float32Array.of(1, 1), momentum: null };
  const next = outerStep(
    state,
    [
      { difference: Float32Array.of(1, 0), tokens: 300 },
      { difference: Float32Array.of(0, 1), tokens: 100 },
    ],
    { learningRate: 2, momentum: 0, ...averaging },
  );
  expect(next).toEqual({ round: 5, parameters: Float32Array.of(2.5, 1.5), momentum: null });
});

test('the aggregation rule decides what a round comes to', () => {
  const state: AgreedState = { round: 0, parameters: Float32Array.of(1), momentum: null };
  const contributions = [2, 3, 1e30].map((value) => ({ difference: Float32Array.of(value), tokens: 1 }));
  expect(outerStep(state, contributions, { ...plain, aggregation: 'median' }).parameters[0]).toBe(4);
  expect(outerStep(state, contributions, plain).parameters[0]).toBeGreaterThan(1e29);
});

test('Nesterov momentum as in PyTorch: m = 0.5 m + d, p += lr (d + 0.5 m)', () => {
  const step = { learningRate: 1, momentum: 0.5, ...averaging };
  const contribution = [{ difference: Float32Array.of(1), tokens: 1 }];
  const first = outerStep({ round: 0, parameters: Float32Array.of(0), momentum: null }, contribution, step);
  const second = outerStep(first, contribution, step);
  expect([first.parameters[0], first.momentum![0]]).toEqual([1.5, 1]);
  expect([second.parameters[0], second.momentum![0]]).toEqual([1.5 + 1.75, 1.5]);
});

test('a round in which nothing was accepted keeps the state and its hash', () => {
  const state = { ...initial(10), momentum: noise(9, 10) };
  const next = outerStep(state, [], { learningRate: 1, momentum: 0.9, ...averaging });
  expect(next.round).toBe(1);
  expect(stateHash(next)).toBe(stateHash(state));
});

test('signs: each element moves by the learning rate, whatever else the payloads say of it; matrices decay', () => {
  const ranges = [
    { offset: 0, elements: 2, decay: true },
    { offset: 4, elements: 2, decay: false },
  ];
  const state: AgreedState = { round: 0, parameters: Float32Array.of(8, -8, 0, 0, 8, 8), momentum: null };
  const contributions = [
    { difference: Float32Array.of(1e-20, 3, 1, 1, -5, 0), tokens: 1 },
    { difference: Float32Array.of(0, -4, 1, 1, 1, 0), tokens: 1 },
  ];
  const step = { ...plain, isSign: true, learningRate: 0.5, ranges };
  expect([...outerStep(state, contributions, step).parameters]).toEqual([8.5, -8.5, 0, 0, 7.5, 8]);
  const decayed = outerStep(state, contributions, { ...step, weightDecay: 0.25 });
  expect([...decayed.parameters]).toEqual([7.5, -7.5, 0, 0, 7.5, 8]);
  expect(outerStep(state, [], { ...step, weightDecay: 0.25 }).parameters).toEqual(state.parameters);
});

test('the same list gives the same bits; another order may not', () => {
  const contributions = [3, 4, 5, 6].map((seed) => ({ difference: noise(seed, 4096), tokens: 100 * seed }));
  const run = (list: typeof contributions) =>
    stateHash(outerStep(initial(4096), list, { learningRate: 0.7, momentum: 0.9, ...averaging }));
  expect(run(contributions)).toBe(run(contributions.map((one) => ({ ...one, difference: one.difference.slice() }))));
  expect(run(contributions.toReversed())).not.toBe(run(contributions));
});

test('the hash covers length, every parameter and the momentum', () => {
  const state = initial(64);
  const changed = state.parameters.slice();
  changed[63] = changed[63]! + 1e-7;
  const hashes = [
    state,
    { ...state, parameters: changed },
    { ...state, parameters: state.parameters.slice(0, 63) },
    { ...state, momentum: new Float32Array(64) },
    { ...state, parameters: Float32Array.of(...state.parameters, ...new Float32Array(64)) },
  ].map(stateHash);
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(stateHash({ ...state, round: 99 })).toBe(hashes[0]);
});

test('golden hashes, computed apart with Python hashlib', () => {
  const parameters = Float32Array.of(0, 1, -2.5, 0.1);
  expect(stateHash({ round: 0, parameters, momentum: null })).toBe(
    '901a2b3cd24e90e85fdc50026dcb721c0bd927255814b73c9d47c4168f446ff0',
  );
  expect(stateHash({ round: 0, parameters, momentum: Float32Array.of(1, 2, 3, 4) })).toBe(
    '0c5b11cbd9095954974d0f718b1204c915c6dbe91634cc6ab69d78599e9aab9d',
  );
});

test('a difference of another length is refused', () => {
  expect(() => outerStep(initial(8), [{ difference: new Float32Array(7), tokens: 1 }], plain)).toThrow(
    /7 elements for 8/,
  );
});

function initial(elements: number): AgreedState {
  return { round: 0, parameters: noise(1, elements), momentum: null };
}

function noise(seed: number, elements: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: elements }, () => 0.02 * random.normal());
}

import { expect, test } from 'vitest';
import { dealFragments, fragmentStep, gather, scatter } from './fragments.ts';
import type { Placed } from './fragments.ts';
import { outerStep } from './state.ts';
import type { AgreedState } from './state.ts';

const sizes: [string, number][] = [
  ['wte.weight', 100],
  ['wpe.weight', 30],
  ['h.0.attn.weight', 64],
  ['h.0.attn.bias', 3],
  ['h.1.attn.weight', 64],
  ['h.2.attn.weight', 64],
  ['h.10.attn.weight', 64],
  ['ln_f.weight', 5],
];
let next = 0;
const parameters: Placed[] = sizes.map(([name, elements]) => {
  const offset = next;
  next += Math.ceil(elements / 64) * 64;
  return { name, elements, offset, shape: [elements], decay: false };
});
const total = next;
const namesOf = (count: number): string[][] =>
  dealFragments(parameters, total, count).map(({ places }) =>
    places.map(({ from }) => parameters.find(({ offset }) => offset === from)!.name),
  );
const step = { learningRate: 1, momentum: 0.5, isSign: false, weightDecay: 0, aggregation: 'mean' as const };
const vector = (elements: number, of: (i: number) => number): Float32Array =>
  Float32Array.from({ length: elements }, (_, i) => of(i));

test('layers are dealt in turns, the rest to whoever has least; each parameter once', () => {
  expect(namesOf(2)).toEqual([
    ['wpe.weight', 'h.0.attn.weight', 'h.0.attn.bias', 'h.2.attn.weight', 'ln_f.weight'],
    ['wte.weight', 'h.1.attn.weight', 'h.10.attn.weight'],
  ]);
  for (const count of [1, 2, 3, 4])
    expect(namesOf(count).flat().toSorted()).toEqual(sizes.map(([name]) => name).toSorted());
});

test('a fragment that would be empty is refused by the name of its field', () => {
  expect(() => dealFragments(parameters.slice(2, 7), total, 5)).toThrow(
    expect.objectContaining({ code: 'invalid_manifest', where: 'spec.rounds.fragments' }),
  );
});

test('what is gathered and scattered again changes nothing, and all fragments together change everything', () => {
  const whole = vector(total, (i) => i);
  let changed = whole;
  for (const fragment of dealFragments(parameters, total, 3)) {
    const part = gather(whole, fragment);
    expect(scatter(whole, fragment, part)).toEqual(whole);
    changed = scatter(
      changed,
      fragment,
      part.map((value) => -value),
    );
  }
  for (const { offset, elements } of parameters) {
    expect(changed.subarray(offset, offset + elements)).toEqual(
      whole.subarray(offset, offset + elements).map((value) => -value),
    );
  }
});

test('a step changes parameters and momentum of its own fragment, as a step of the whole would there', () => {
  const fragments = dealFragments(parameters, total, 2);
  const difference = vector(total, (i) => Math.fround(0.01 * (i % 7)));
  let [state, whole]: AgreedState[] = [0, 0].map(() => ({
    round: 0,
    parameters: vector(total, (i) => i),
    momentum: null,
  }));
  for (const fragment of [...fragments, ...fragments]) {
    const before = state!;
    state = fragmentStep(before, fragment, [{ difference: gather(difference, fragment), tokens: 1 }], step);
    for (const other of fragments) {
      if (other === fragment) continue;
      expect(gather(state.parameters, other)).toEqual(gather(before.parameters, other));
      const none = new Float32Array(total);
      expect(gather(state.momentum!, other)).toEqual(gather(before.momentum ?? none, other));
    }
  }
  for (let i = 0; i < 2; i++) whole = outerStep(whole!, [{ difference, tokens: 1 }], { ...step, ranges: parameters });
  expect(state!.round).toBe(4);
  expect(state!.parameters).toEqual(whole!.parameters);
  expect(state!.momentum).toEqual(whole!.momentum);
});

test('a round without contributions changes nothing but its number', () => {
  const fragment = dealFragments(parameters, total, 2)[1]!;
  const state = { round: 3, parameters: vector(total, (i) => i), momentum: vector(total, (i) => 2 * i) };
  expect(fragmentStep(state, fragment, [], step)).toEqual({ ...state, round: 4 });
});

import { expect, test } from 'vitest';
import { createStore } from './store.ts';

/** Frames that pass only when the test says so. */
function manualFrames() {
  let now = 0;
  let waiting: (() => void)[] = [];
  return {
    now: () => now,
    request: (callback: () => void) => void waiting.push(callback),
    pass(ms: number) {
      now += ms;
      const callbacks = waiting;
      waiting = [];
      for (const callback of callbacks) callback();
    },
  };
}

test('renders the newest state once, however often it changed', () => {
  const frames = manualFrames();
  const seen: number[] = [];
  const store = createStore({ value: 0 }, (state) => seen.push(state.value), frames);
  for (let value = 1; value <= 50; value++) store.set({ value });
  expect(seen).toEqual([]);
  frames.pass(16);
  expect(seen).toEqual([50]);
});

test('leaves at least the interval between two renders', () => {
  const frames = manualFrames();
  const seen: number[] = [];
  const store = createStore({ value: 0 }, (state) => seen.push(state.value), frames, 100);
  store.set({ value: 1 });
  frames.pass(16);
  store.set({ value: 2 });
  frames.pass(16);
  store.set({ value: 3 });
  expect(seen).toEqual([1]);
  frames.pass(90);
  expect(seen).toEqual([1, 3]);
});

test('keeps the fields a patch leaves out', () => {
  const store = createStore({ a: 1, b: 2 }, () => {}, manualFrames());
  store.set({ b: 3 });
  expect(store.get()).toEqual({ a: 1, b: 3 });
});

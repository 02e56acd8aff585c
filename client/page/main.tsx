// Where the page begins: one store, one render, the watcher, and the contribution that only loads when it is wanted.

import { render } from 'preact';
import { App } from './app.tsx';
import { createCoordinator } from './coordinator.ts';
import { findGpu } from './gpu.ts';
import { checkLedger } from './ledger-check.ts';
import type { Timers } from './loop.ts';
import { initialState, type Actions, type PageState } from './state.ts';
import { createStore } from './store.ts';
import { watch } from './watch.ts';

const timers: Timers = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

const root = document.getElementById('app')!;
const frames = {
  now: () => performance.now(),
  request: (callback: () => void) => void requestAnimationFrame(callback),
};
const store = createStore<PageState>(
  initialState,
  (state) => render(<App state={state} actions={actions} />, root),
  frames,
);
const coordinator = createCoordinator((...request) => fetch(...request));

const actions: Actions = {
  contribute() {},
  pause() {},
  resume() {},
  stop() {},
  setLoad() {},
  verifyLedger: () => void checkLedger(coordinator, (check) => store.set({ check })),
};

render(<App state={initialState} actions={actions} />, root);
const loop = watch({ store, coordinator, timers, fragment: () => location.hash, isHidden: () => document.hidden });
addEventListener('hashchange', () => loop.nudge());
document.addEventListener('visibilitychange', () => loop.nudge());
void findGpu(window).then((gpu) => store.set({ gpu }));

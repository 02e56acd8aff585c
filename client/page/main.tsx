// Where the page begins: one store, one render, the watcher, and the contribution that only loads when it is wanted.

import { render } from 'preact';
import { LoomOSClient } from '../sdk/client.ts';
import { App } from './app.tsx';
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
const client = new LoomOSClient({ url: location.origin, attempts: 2 });
const breathe = () => new Promise<void>((resolve) => setTimeout(resolve));

const actions: Actions = {
  contribute() {},
  pause() {},
  resume() {},
  stop() {},
  setLoad() {},
  verifyLedger: () => void checkLedger(client, breathe, (check) => store.set({ check })),
};

render(<App state={initialState} actions={actions} />, root);
const loop = watch({ store, client, timers, fragment: () => location.hash, isHidden: () => document.hidden });
addEventListener('hashchange', () => loop.nudge());
document.addEventListener('visibilitychange', () => loop.nudge());
void findGpu(window).then((gpu) => store.set({ gpu }));

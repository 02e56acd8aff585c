// Where the page begins: one store, one render, the watcher, and the contribution that loads only when it is wanted.

import { render } from 'preact';
import { LoomOSClient } from '../sdk/client.ts';
import { App } from './app.tsx';
import { createAwake } from './device/awake.ts';
import { createContribution } from './device/contribution.ts';
import { findGpu } from './device/gpu.ts';
import { checkLedger } from './watch/ledger-check.ts';
import type { Timers } from './watch/loop.ts';
import { initialState, type Actions, type PageState } from './state.ts';
import { createStore } from './store.ts';
import { watchThrottling } from './device/throttle.ts';
import { watch } from './watch/watch.ts';
import { titleOf } from './words.ts';
import { createWriting } from './device/writing.ts';

const root = document.getElementById('app')!;
const timers: Timers = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
const frames = {
  now: () => performance.now(),
  request: (callback: () => void) => void requestAnimationFrame(callback),
};
const isHidden = () => document.hidden;
const breathe = () => new Promise<void>((resolve) => setTimeout(resolve));

const store = createStore<PageState>(initialState, show, frames);
const client = new LoomOSClient({ url: location.origin, attempts: 2 });
const contribution = createContribution({
  store,
  awake: createAwake(document, navigator.wakeLock, (awake) => store.set({ awake })),
  coordinator: new URL(location.origin),
  backend: askedBackend(location.search),
  load: () => import('./device/contributor.ts'),
  onJob: () => loop.nudge(),
});
const writing = createWriting({
  store,
  backend: askedBackend(location.search),
  download: (id, name) => client.downloadArtifact(id, name),
  load: () => import('./device/writer.ts'),
  now: frames.now,
});
const actions: Actions = {
  ...contribution,
  ...writing,
  verifyLedger: () => void checkLedger(client, breathe, (check) => store.set({ check })),
};

show(initialState);
const loop = watch({ store, client, timers, isHidden, fragment: () => location.hash });
void findGpu(window).then((gpu) => store.set({ gpu }));
watchThrottling(isHidden, { now: timers.now, every: (callback, ms) => void setInterval(callback, ms) }, (throttledMs) =>
  store.set({ throttledMs }),
);
setInterval(() => (document.title = titleOf(store.get())), 1000); // hidden tabs have no animation frames
addEventListener('hashchange', () => loop.nudge());
addEventListener('pagehide', () => contribution.leave());
document.addEventListener('visibilitychange', () => loop.nudge());

function show(state: PageState): void {
  render(<App state={state} actions={actions} />, root);
}

/** `?backend=cpu` or `?backend=webgpu` instead of whichever is measured to be faster. */
function askedBackend(query: string): 'auto' | 'webgpu' | 'cpu' {
  const asked = new URLSearchParams(query).get('backend');
  return asked === 'webgpu' || asked === 'cpu' ? asked : 'auto';
}

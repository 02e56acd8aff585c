// Development only, never part of the build: the page in states that are hard to reach by hand. `/gallery/#finished` shows one.

import { render } from 'preact';
import { App } from '../app.tsx';
import type { Actions } from '../state.ts';
import { examples } from './examples.ts';

const nothing = () => {};
const actions: Actions = {
  contribute: nothing,
  pause: nothing,
  resume: nothing,
  stop: nothing,
  setLoad: nothing,
  verifyLedger: nothing,
  write: nothing,
  stopWriting: nothing,
};

function show(): void {
  const name = location.hash.slice(1) || 'idle';
  const state = examples[name];
  if (state === undefined) throw new Error(`no example ${name}; there are: ${Object.keys(examples).join(', ')}`);
  render(<App state={state} actions={actions} />, document.getElementById('app')!);
  document.body.dataset['example'] = name; // for tests that wait for it
}

addEventListener('hashchange', show);
show();

import { render } from 'preact';
import { App } from './app.tsx';
import { initialState } from './state.ts';
const n = () => {};
render(
  <App state={initialState} actions={{ contribute: n, pause: n, resume: n, stop: n, setLoad: n, verifyLedger: n }} />,
  document.getElementById('app')!,
);

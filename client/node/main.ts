// The process of one headless worker, as client/cli/local/crew.ts starts it: its options (HeadlessOptions) are one argument of JSON. People
// have `loomos worker`. Exit codes: 0 ended in order, 1 failed. SIGINT leaves the job and ends within seconds, as does the end of a
// parent process that started this one with a channel. SIGTERM finishes the part in hand first, for 25 seconds at most.

import { drainMs } from '../worker/contribute.ts';
import { runHeadless } from './headless.ts';
import type { HeadlessOptions } from './headless.ts';

const graceMs = 5000;

/** Aborts when we are told to end, and ends by force what does not end in time. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (signal: string): void => {
    controller.abort(signal);
    setTimeout(() => process.exit(1), signal === 'SIGTERM' ? drainMs + graceMs : graceMs).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const)
    process.once(signal, () => interrupt(signal));
  return controller.signal;
}

const options = JSON.parse(process.argv[2]!) as HeadlessOptions;
process.exit(await runHeadless(options, interruption(), (line) => process.stdout.write(`${line}\n`)));

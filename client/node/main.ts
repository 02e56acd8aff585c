// Entry of a headless worker:
//
//   node client/node/main.ts --coordinator URL [--name NAME] [--data DIR] [--backend auto|webgpu|cpu] [--load 0.05..1]
//                            [--once] [--json]
//
// Exit codes: 0 ended in order, 1 failed, 2 wrong arguments. SIGINT leaves the job and ends within seconds, as does the end of a
// parent process that started this one with a channel. SIGTERM finishes the part in hand first, for 25 seconds at most.

import { parseArgs } from 'node:util';
import { LoomError, describeError } from '../../shared/errors.ts';
import { runHeadless } from './headless.ts';
import type { HeadlessOptions } from './headless.ts';
import { drainMs } from '../worker/contribute.ts';

const graceMs = 5000;

function readOptions(words: string[]): HeadlessOptions {
  const { values } = parseArgs({
    args: words,
    options: {
      coordinator: { type: 'string' },
      name: { type: 'string', default: '' },
      data: { type: 'string' },
      backend: { type: 'string', default: 'auto' },
      load: { type: 'string', default: '1' },
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { coordinator, name, data = null, backend, load, once, json } = values;
  return {
    coordinator: readUrl(coordinator),
    name,
    data,
    backend: readBackend(backend),
    load: readLoad(load),
    once,
    json,
  };
}

function readUrl(text: string | undefined): URL {
  const url = text === undefined ? null : URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw wrong('--coordinator', text, 'a URL such as http://127.0.0.1:8787');
  return url;
}

function readBackend(text: string): HeadlessOptions['backend'] {
  if (text === 'auto' || text === 'webgpu' || text === 'cpu') return text;
  throw wrong('--backend', text, 'auto, webgpu, cpu');
}

function readLoad(text: string): number {
  const load = Number(text);
  if (!(load >= 0.05 && load <= 1)) throw wrong('--load', text, '0.05 to 1');
  return load;
}

function wrong(where: string, value: string | undefined, allowed: string): LoomError {
  const message = value === undefined ? 'is missing' : `cannot be '${value}'`;
  return new LoomError('invalid_request', message, { where, allowed });
}

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

async function main(words: string[]): Promise<number> {
  let options: HeadlessOptions;
  try {
    options = readOptions(words);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    return 2;
  }
  return runHeadless(options, interruption(), (line) => process.stdout.write(`${line}\n`));
}

process.exit(await main(process.argv.slice(2)));

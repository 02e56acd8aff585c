// `loomos up`: coordinator, page and workers on this machine, until stopped.

import { join, resolve } from 'node:path';
import { startCoordinator } from '../../node/embed/embed.ts';
import type { Command } from '../command.ts';
import { textOption } from '../command.ts';
import { defaultData, defaultPort } from '../coordinator.ts';
import { sayDriver } from '../local/driver.ts';
import { crewLine } from '../local/crew-line.ts';
import { Crew } from '../local/crew.ts';
import { exitCode } from '../exit-code.ts';
import { wholeNumber } from '../parse.ts';
import { untilAborted } from '../../timing/wait.ts';
import type { WorkerSnapshot } from '../../worker/events.ts';

export const up: Command = {
  name: 'up',
  summary: 'coordinator, page and workers on this machine, until stopped',
  details: `
What was accepted is on disk: after a stop, a crash or kill -9 the next start goes on where the last one ended.
With --host 0.0.0.0 other machines can join; browsers there have WebGPU only behind https.`,
  options: {
    workers: { value: 'N', summary: 'headless workers to start', default: '0' },
    port: { value: 'PORT', summary: `where to listen, or fail (without it ${defaultPort}, or a free one)` },
    host: { value: 'ADDRESS', summary: 'address to listen on', default: '127.0.0.1' },
    data: { value: 'DIR', summary: 'folder for what the coordinator remembers (default .loomos/coordinator)' },
  },
  endsItself: true,
  run: async (call) => {
    const { terminal, signal } = call;
    const workers = wholeNumber(textOption(call, 'workers')!, 'workers', 0, 64);
    const port = textOption(call, 'port');
    const log = (line: string): void => terminal.say(line);
    const data = resolve(textOption(call, 'data') ?? defaultData);
    sayDriver(terminal);
    const coordinator = await startCoordinator({
      data,
      port: port === undefined ? defaultPort : wholeNumber(port, 'port', 0, 65535),
      portIsFixed: port !== undefined && port !== '0',
      host: textOption(call, 'host')!,
      log,
    });
    const snapshots = new Map<string, WorkerSnapshot>();
    const crew = new Crew({
      coordinator: coordinator.url,
      workers,
      data: join(data, 'workers'),
      restart: true,
      log,
      signal,
      onSnapshot: (name, snapshot) => {
        snapshots.set(name, snapshot);
        terminal.status(crewLine([...snapshots.values()]));
      },
    });
    terminal.result({ url: coordinator.url, workers }, `LoomOS is up: ${coordinator.url} (Ctrl-C ends it)`);
    if (data !== defaultData) terminal.say(`its owner token lies in ${join(data, 'secrets.json')}`);
    await untilAborted(signal);
    await crew.stop();
    await coordinator.close();
    return exitCode.ok;
  },
};

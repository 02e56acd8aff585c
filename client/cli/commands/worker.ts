// `loomos worker`: contributes this machine to a coordinator.

import type { HeadlessOptions } from '../../node/headless.ts';
import { coordinatorOptions, coordinatorUrl } from '../coordinator.ts';
import { textOption } from '../command.ts';
import type { Command } from '../command.ts';
import { sayDriver } from '../local/driver.ts';
import { backendOption, realNumber } from '../parse.ts';
import { exitCode } from '../exit-code.ts';

export const worker: Command = {
  name: 'worker',
  summary: 'contribute this machine to a coordinator, until stopped',
  details: `
Takes the jobs that the coordinator has for it, one after the other. SIGTERM lets it finish its part of the open round, for 25
seconds at most, before it leaves; Ctrl-C leaves at once. With --json every change is a JSON line.

  loomos worker --coordinator https://loomos.example.com`,
  options: {
    coordinator: coordinatorOptions['coordinator']!,
    name: { value: 'NAME', summary: 'what others see in the list of workers', default: '' },
    data: {
      value: 'DIR',
      summary: 'folder to keep identity and state in, so that a restart goes on (default: memory)',
    },
    backend: { value: 'KIND', summary: 'auto, webgpu or cpu', default: 'auto' },
    load: { value: 'PART', summary: 'part of the time the device may be busy, 0.05 to 1', default: '1' },
    once: { summary: 'end after one job' },
  },
  endsItself: true,
  run: async (call) => {
    const { terminal, signal } = call;
    const options: HeadlessOptions = {
      coordinator: coordinatorUrl(call),
      name: textOption(call, 'name')!,
      data: textOption(call, 'data') ?? null,
      backend: backendOption(call),
      load: realNumber(textOption(call, 'load')!, 'load', 0.05, 1),
      once: call.options['once'] === true,
      json: terminal.isJson,
    };
    sayDriver(terminal);
    const { runHeadless } = await import('../../node/headless.ts'); // WebRTC and the kernels: nothing other commands need
    const code = await runHeadless(options, signal, (line) => terminal.print(line));
    return signal.aborted ? exitCode.ok : code;
  },
};

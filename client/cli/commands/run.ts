// `loomos run MANIFEST`: one job from its manifest to the trained model, on this machine.

import { resolve } from 'node:path';
import type { Command } from '../command.ts';
import { listOption, textOption } from '../command.ts';
import { defaultPort } from '../coordinator.ts';
import { setOption } from '../job/manifest-file.ts';
import { forceOption } from '../out-file.ts';
import { wholeNumber } from '../parse.ts';
import { runManifest } from '../local/run-manifest.ts';

export const run: Command = {
  name: 'run',
  summary: 'train one job on this machine, from its manifest to the model',
  details: `
Starts a coordinator of its own and headless workers, uploads the text that the manifest names, trains, and writes
model.safetensors, config.json, tokenizer.json, loss.svg and report.json. A browser can join while it runs.

  loomos run examples/own-text.yaml --workers 2 --out out/mine`,
  arguments: ['MANIFEST'],
  options: {
    workers: { value: 'N', summary: 'headless workers to start', default: '2' },
    out: { value: 'DIR', summary: 'folder for the results', default: 'out/run' },
    port: {
      value: 'PORT',
      summary: 'for the page and the coordinator; 0 takes a free one',
      default: String(defaultPort),
    },
    keep: { summary: 'go on serving the page afterwards, until Ctrl-C' },
    ...setOption,
    ...forceOption,
  },
  endsItself: true,
  run: (call) =>
    runManifest({
      manifest: call.arguments[0]!,
      changes: listOption(call, 'set'),
      workers: wholeNumber(textOption(call, 'workers')!, 'workers', 0, 64),
      out: resolve(textOption(call, 'out')!),
      port: wholeNumber(textOption(call, 'port')!, 'port', 0, 65535),
      force: call.options['force'] === true,
      keep: call.options['keep'] === true,
      terminal: call.terminal,
      signal: call.signal,
    }),
};

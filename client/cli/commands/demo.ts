// `loomos demo`: the first thing a newcomer runs.

import { join } from 'node:path';
import { projectFolder } from '../../node/embed/project.ts';
import type { Command } from '../command.ts';
import { defaultPort } from '../coordinator.ts';
import { wholeNumber } from '../parse.ts';
import { runManifest } from '../local/run-manifest.ts';

const workers = 2;

export const demo: Command = {
  name: 'demo',
  summary: 'train a small language model on Moby-Dick with two workers, in a few minutes',
  details: `
The same as: loomos run examples/moby-dick.yaml --workers ${workers} --out out/demo`,
  options: {
    port: {
      value: 'PORT',
      summary: 'for the page and the coordinator; 0 takes a free one',
      default: String(defaultPort),
    },
    keep: { summary: 'go on serving the page afterwards, until Ctrl-C' },
  },
  endsItself: true,
  run: ({ options, terminal, signal }) =>
    runManifest({
      manifest: join(projectFolder, 'examples', 'moby-dick.yaml'),
      changes: [],
      workers,
      out: join(projectFolder, 'out', 'demo'),
      port: wholeNumber(String(options['port']), 'port', 0, 65535),
      force: true, // the folder is the demo's own
      keep: options['keep'] === true,
      terminal,
      signal,
    }),
};

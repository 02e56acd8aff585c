#!/usr/bin/env node
// The door every npm script goes through: `node scripts/run.mjs COMMAND [ARGUMENTS…]`. Installs what is missing, then runs
// COMMAND in the project's folder with the project's own Node and tools first on PATH and a GPU driver chosen.
// Runs on Node >= 20 before anything is installed, so nothing here or in setup/ may import a package.

import { launch, root } from './setup/launch.mjs';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('usage: node scripts/run.mjs COMMAND [ARGUMENTS…]');
  process.exitCode = 2;
} else {
  process.exitCode = await launch(command, args, { cwd: root });
}

#!/usr/bin/env node
// What `npx loomos …` starts: the command line, in the caller's folder, after the same set-up as every npm script.

import { join } from 'node:path';
import { launch, root } from './setup/launch.mjs';

const main = join(root, 'client', 'cli', 'main.ts');
process.exitCode = await launch('node', [main, ...process.argv.slice(2)], { cwd: process.cwd() });

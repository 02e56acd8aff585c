// The built page in dist/page: made with Vite when it is missing or its source changed since.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LoomError } from '../../../shared/errors.ts';
import { projectFolder } from './project.ts';

const sourceFolders = ['client', 'kernels', 'shared'];
const stampFile = join(projectFolder, 'dist', 'page.stamp');

/** The folder of the built page. @throws LoomError `internal` with Vite's own words when it does not build. */
export async function buildPage(log: (line: string) => void): Promise<string> {
  const folder = join(projectFolder, 'dist', 'page');
  const stamp = sourceStamp();
  if (existsSync(join(folder, 'index.html')) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
    return folder;
  }
  log('building the page…');
  await runVite();
  writeFileSync(stampFile, stamp);
  return folder;
}

function runVite(): Promise<void> {
  const vite = join(projectFolder, 'node_modules/vite/bin/vite.js');
  const child = spawn(
    process.execPath,
    [vite, 'build', '--config', 'client/page/vite.config.ts', '--logLevel', 'error'],
    {
      cwd: projectFolder,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new LoomError('internal', `the page does not build:\n${output.trim()}`)),
    );
  });
}

/** Changes with every source file that could be part of the page: name, size and time of change. */
function sourceStamp(): string {
  const digest = createHash('sha256');
  for (const folder of sourceFolders) {
    const names = readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((name) => !name.includes('.test.')).toSorted()) {
      const { size, mtimeMs } = statSync(join(projectFolder, folder, name));
      digest.update(`${folder}/${name} ${size} ${mtimeMs}\n`);
    }
  }
  return digest.update(readFileSync(join(projectFolder, 'package.json'))).digest('hex');
}

// The built page: made with Vite when its source changed since. Every build has a folder of its own, named after its source,
// so that a build never takes the files away that a running coordinator serves.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LoomError } from '../../../shared/errors.ts';
import { projectFolder } from './project.ts';

const sourceFolders = ['client', 'kernels', 'shared'];
const buildsFolder = join(projectFolder, '.loomos', 'page');
/** Builds that stay, because a coordinator that was started earlier may still serve them. */
const keptBuilds = 4;

/** The folder of the built page. @throws LoomError `internal` with Vite's own words when it does not build. */
export async function buildPage(log: (line: string) => void): Promise<string> {
  const folder = join(buildsFolder, sourceStamp());
  if (existsSync(folder)) return folder;
  log('building the page…');
  const partial = `${folder}.${process.pid}`;
  await runVite(partial);
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder); // a folder that exists is whole
  removeOldBuilds();
  return folder;
}

function runVite(outDir: string): Promise<void> {
  mkdirSync(buildsFolder, { recursive: true });
  const vite = join(projectFolder, 'node_modules/vite/bin/vite.js');
  const options = ['--config', 'client/page/vite.config.ts', '--outDir', outDir, '--logLevel', 'error'];
  const child = spawn(process.execPath, [vite, 'build', ...options], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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
      const stat = statSync(join(projectFolder, folder, name), { throwIfNoEntry: false });
      if (stat?.isFile()) digest.update(`${folder}/${name} ${stat.size} ${stat.mtimeMs}\n`);
    }
  }
  digest.update(readFileSync(join(projectFolder, 'package.json')));
  return digest.digest('hex').slice(0, 16);
}

function removeOldBuilds(): void {
  const builds = readdirSync(buildsFolder).map((name) => join(buildsFolder, name));
  const byAge = builds.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const build of byAge.slice(keptBuilds)) rmSync(build, { recursive: true, force: true });
}

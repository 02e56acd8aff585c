// Installs the dependencies when package.json, the lock or the platform differ from what the last installation was made for.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const lockWaitMs = 10 * 60_000;

/** Returns at once when the installation is current. @throws Error when npm cannot install. */
export async function ensureInstalled(root) {
  if (isCurrent(root)) return;
  const release = await lock(root);
  try {
    if (!isCurrent(root)) install(root);
  } finally {
    release();
  }
}

const stampFile = (root) => join(root, 'node_modules', '.loomos-stamp');
const nodeFile = (root) =>
  join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

function isCurrent(root) {
  const file = stampFile(root);
  return existsSync(file) && existsSync(nodeFile(root)) && readFileSync(file, 'utf8') === stamp(root);
}

function stamp(root) {
  const digest = createHash('sha256').update(`${process.platform}-${process.arch}\n`);
  for (const name of ['package.json', 'package-lock.json']) digest.update(readFileSync(join(root, name)));
  return `${digest.digest('hex')}\n`;
}

function install(root) {
  if (isComplete(root)) return writeFileSync(stampFile(root), stamp(root));
  console.error('loomos: installing dependencies (once; a minute or two)…');
  const startedAt = Date.now();
  if (!npm(root, ['ci']) && !npm(root, ['install', '--no-save'])) {
    throw new Error('npm could not install the dependencies; its messages are above');
  }
  if (!existsSync(nodeFile(root))) throw new Error('npm installed no Node 24 (node_modules/node/bin)');
  writeFileSync(stampFile(root), stamp(root));
  console.error(`loomos: dependencies installed in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

// True when someone ran npm by hand: npm's own record in node_modules agrees with the lock.
function isComplete(root) {
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readPackages(join(root, 'package-lock.json'));
  const isPresent = ([path, entry]) => path === '' || entry.optional || installed[path]?.version === entry.version;
  return existsSync(nodeFile(root)) && Object.entries(wanted).every(isPresent);
}

const readPackages = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {});

function npm(root, args) {
  const flags = ['--include=dev', '--include=optional', '--ignore-scripts=false', '--global=false'];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const options = {
    cwd: root,
    env: npmEnvironment(root),
    stdio: [null, process.stderr, process.stderr],
    shell: process.platform === 'win32',
  };
  return spawnSync('npm', [...args, ...flags, ...quiet], options).status === 0;
}

// Settings that an npm above us (npm run, npx) hands down, and that would install elsewhere or leave parts out.
const inheritedSettings =
  /^npm_config_(global|prefix|local_prefix|omit|only|include|production|ignore_scripts|dry_run|workspaces?)$/i;

/** The environment for npm: without those, and on the system's Node, because npm replaces the project's own. */
export function npmEnvironment(root, environment = process.env) {
  const env = { ...environment };
  for (const name of Object.keys(env)) {
    if (inheritedSettings.test(name)) delete env[name];
  }
  delete env.NODE_ENV;
  const own = resolve(root, 'node_modules', '.bin');
  env.PATH = (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => resolve(folder) !== own)
    .join(delimiter);
  return env;
}

// Two commands started at once in a fresh clone must not install over each other. The lock is a folder with its owner's pid.
async function lock(root) {
  const folder = join(root, '.loomos', 'setup.lock');
  mkdirSync(join(root, '.loomos'), { recursive: true });
  for (const startedAt = Date.now(); ; await sleep(200)) {
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, 'pid'), String(process.pid));
      return () => rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isAbandoned(folder)) rmSync(folder, { recursive: true, force: true });
      else if (Date.now() - startedAt > lockWaitMs) throw new Error(`another set-up holds ${folder}`, { cause: error });
    }
  }
}

function isAbandoned(folder) {
  try {
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

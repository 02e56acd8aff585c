// Set-up, then one child process whose signals and exit code are passed through.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { driverEnvironment } from './driver.mjs';
import { ensureInstalled } from './install.mjs';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Sets the project up if needed, runs a command and resolves with its exit code (128 + n after signal n).
 * @param {string} command found on PATH, the project's tools first
 * @param {string[]} args
 * @param {{ cwd: string }} options
 * @returns {Promise<number>}
 */
export async function launch(command, args, { cwd }) {
  try {
    await ensureInstalled(root);
  } catch (error) {
    console.error(`loomos: set-up failed: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  const environment = { ...process.env, PATH: path };
  return run(command, args, { cwd, env: { ...environment, ...(await driverEnvironment(root, environment)) } });
}

function run(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: 'inherit', shell: process.platform === 'win32' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    // A terminal sends Ctrl-C to the whole process group: the child has it already.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
  }
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`loomos: cannot start ${command}: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
}

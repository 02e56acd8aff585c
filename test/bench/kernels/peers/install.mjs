// Brings the peers into .loomos/peers: 72 MB of packages that only benchmarks need, so they are no dependencies of the project.
// tfjs is bundled into one file, because its gradients cannot be imported from Node otherwise.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = ['@tensorflow/tfjs-core@4.22.0', '@tensorflow/tfjs-backend-webgpu@4.22.0', '@jax-js/jax@0.1.25'];
const entry = `export * from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-webgpu';
`;
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** @typedef {{ tfjs: string, jax: string, ort: string }} PeerFiles the peers' main files */

const ortFile = 'onnxruntime-web/dist/ort.webgpu.bundle.min.mjs';

/**
 * Installs what is missing. onnxruntime-web is a development dependency of the project.
 * @returns {Promise<PeerFiles>} throws when npm cannot bring them
 */
export async function installPeers(folder = join(root, '.loomos', 'peers')) {
  const own = join(folder, 'node_modules', ortFile);
  const found = {
    tfjs: join(folder, 'tfjs.cjs'),
    jax: join(folder, 'node_modules/@jax-js/jax/dist/index.js'),
    ort: existsSync(own) ? own : join(root, 'node_modules', ortFile),
  };
  const stamp = join(folder, 'installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === packages.join('\n')) return found;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  npmInstall(folder);
  const { build } = await import('esbuild');
  writeFileSync(join(folder, 'tfjs-entry.js'), entry);
  const options = { entryPoints: [join(folder, 'tfjs-entry.js')], outfile: found.tfjs };
  await build({ ...options, bundle: true, format: 'cjs', platform: 'node', minify: true, logLevel: 'error' });
  writeFileSync(stamp, packages.join('\n'));
  return found;
}

function npmInstall(folder) {
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', ...packages];
  const { status, stderr, error } = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm could not install ${packages.join(', ')}: ${error?.message ?? stderr.trim()}`);
}

// Chooses what Dawn (WebGPU in Node) runs on, best first: the system's GPU; the system's lavapipe (Mesa >= 25, several times
// faster than SwiftShader); SwiftShader from the npm package @sparticuz/chromium; else the CPU backend. A driver counts only
// if it ran a kernel in a child process. The answer is kept in .loomos/driver.json until the installation or the system's
// drivers change; LOOMOS_DRIVER=system|swiftshader|cpu overrides it.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { swiftShaderFolder } from './unpack.mjs';

const probeLimitMs = 30_000;
const probeFile = fileURLToPath(new URL('probe.mjs', import.meta.url));

/**
 * The variables a process needs to find the chosen driver, with LOOMOS_DRIVER (its name) and LOOMOS_DRIVER_WHY (a sentence).
 * @param {string} root the project's folder
 * @param {NodeJS.ProcessEnv} environment what the process gets besides, PATH with the project's Node first
 */
export async function driverEnvironment(root, environment) {
  if (environment.LOOMOS_DRIVER_WHY !== undefined) return {}; // a parent chose already
  const wanted = environment.LOOMOS_DRIVER;
  const cacheFile = join(root, '.loomos', 'driver.json');
  const key = cacheKey(root, wanted);
  const cached = readCache(cacheFile);
  if (cached?.key === key) return cached.env;
  const choice = await choose(root, environment, wanted);
  const env = { ...choice.env, LOOMOS_DRIVER: choice.name, LOOMOS_DRIVER_WHY: choice.why };
  mkdirSync(join(root, '.loomos'), { recursive: true });
  writeFileSync(cacheFile, JSON.stringify({ key, env }, null, 2));
  return env;
}

async function choose(root, environment, wanted) {
  const reasons = [];
  if (wanted === undefined || wanted === 'system') {
    const system = judgeSystem(await probe(environment, {}));
    if (system.name !== null) return { ...system, env: {} };
    reasons.push(system.why);
  }
  if (wanted === undefined || wanted === 'swiftshader') {
    const env = swiftShaderEnvironment(root, environment);
    const found = env === null ? null : await probe(environment, env);
    if (found?.isRight) return { name: 'swiftshader', env, why: because('SwiftShader (software)', reasons) };
    reasons.push(env === null ? 'SwiftShader is not packaged for this platform' : 'SwiftShader did not run');
  }
  if (wanted === 'cpu') reasons.push('LOOMOS_DRIVER=cpu asks for it');
  return { name: 'cpu', env: {}, why: because('none, the CPU backend is used', reasons) };
}

const because = (what, reasons) => (reasons.length === 0 ? what : `${what}, because ${reasons.join(' and ')}`);

/** What the system's own driver is worth, from what the probe printed (or null): its name, or null with the reason. */
export function judgeSystem(found) {
  if (found === null) return { name: null, why: 'the system has no usable GPU driver' };
  const adapter = found.description || found.model || found.vendor || 'unnamed adapter';
  if (!found.isRight) return { name: null, why: `the system's driver (${adapter}) computed wrong numbers` };
  if (!found.isFallbackAdapter) return { name: 'system', why: `${adapter}, the system's GPU` };
  if (/llvmpipe/i.test(adapter))
    return { name: 'lavapipe', why: `lavapipe (${adapter}), because the system has no GPU` };
  return { name: null, why: `the system's driver (${adapter}) is neither a GPU nor lavapipe` };
}

function swiftShaderEnvironment(root, environment) {
  const folder = swiftShaderFolder(root);
  if (folder === null) return null;
  const manifest = join(folder, 'vk_swiftshader_icd.json');
  const libraries = [folder, environment.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return { VK_ICD_FILENAMES: manifest, VK_DRIVER_FILES: manifest, LD_LIBRARY_PATH: libraries };
}

/** What the probe printed, or null if it crashed, hung or found nothing. */
function probe(environment, extra) {
  const child = spawn('node', [probeFile], {
    env: { ...environment, ...extra },
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), probeLimitMs);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? JSON.parse(output) : null);
    });
  });
}

// Changes when the installation, the request or the drivers that the system offers change.
function cacheKey(root, wanted) {
  const digest = createHash('sha256').update(String(wanted));
  digest.update(readFileSync(join(root, 'node_modules', '.loomos-stamp')));
  for (const folder of ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d']) {
    for (const name of existsSync(folder) ? readdirSync(folder).toSorted() : []) {
      digest.update(`${name} ${statSync(join(folder, name)).mtimeMs}\n`);
    }
  }
  digest.update(
    `${process.env.VK_ICD_FILENAMES} ${process.env.VK_DRIVER_FILES} ${existsSync('/dev/nvidiactl')} ${existsSync('/dev/dri')}`,
  );
  return digest.digest('hex');
}

function readCache(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null; // none yet, or half written
  }
}

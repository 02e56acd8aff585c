import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeSystem } from './driver.mjs';
import { npmEnvironment } from './install.mjs';
import { root } from './launch.mjs';

const run = join(root, 'scripts', 'run.mjs');
const elsewhere = mkdtempSync(join(tmpdir(), 'loomos-setup-'));

test('the exit code of the command is passed on, from any folder', () => {
  const { status } = spawnSync('node', [run, 'node', '-e', 'process.exit(7)'], { cwd: elsewhere });
  expect(status).toBe(7);
  expect(spawnSync('node', [run, 'no-such-command'], { cwd: elsewhere }).status).toBe(127);
  expect(spawnSync('node', [run], { cwd: elsewhere }).status).toBe(2);
});

test('the command runs on the project’s Node, in its folder, and knows its GPU driver', () => {
  const script = 'console.log(JSON.stringify([process.version, process.cwd(), process.env.LOOMOS_DRIVER_WHY]))';
  const { stdout } = spawnSync('node', [run, 'node', '-e', script], { cwd: elsewhere, encoding: 'utf8' });
  const [version, folder, why] = JSON.parse(stdout);
  expect(version).toMatch(/^v24\./);
  expect(folder).toBe(root);
  expect(why).toMatch(/./);
});

test('SIGTERM reaches the command, which may end as it likes', async () => {
  const script = "process.on('SIGTERM', () => process.exit(9)); console.log('ready'); setInterval(() => {}, 1000)";
  const child = spawn('node', [run, 'node', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(9);
});

test('npm is started without the settings of an npm above, on the system’s Node', () => {
  const own = join(root, 'node_modules', '.bin');
  const inherited = {
    npm_config_omit: 'dev',
    npm_config_global: 'true',
    NPM_CONFIG_IGNORE_SCRIPTS: 'true',
    NODE_ENV: 'production',
  };
  const env = npmEnvironment(root, { ...inherited, npm_config_cache: '/c', PATH: ['/a', own, '/b'].join(delimiter) });
  expect(env).toEqual({ npm_config_cache: '/c', PATH: ['/a', '/b'].join(delimiter) });
});

// What the probe printed on real machines.
const lavapipe = {
  isRight: true,
  isFallbackAdapter: true,
  vendor: 'mesa',
  description: 'llvmpipe: Mesa 25.0.7-2 (LLVM 15.0.6) 0.0.1',
};
const swiftShader = {
  isRight: true,
  isFallbackAdapter: true,
  vendor: 'google',
  description: 'SwiftShader driver 5.0.0',
};
const gpu = { isRight: true, isFallbackAdapter: false, vendor: 'nvidia', model: 'H200', description: '' };

test('a GPU is taken, then lavapipe; anything else of the system is not, and is named', () => {
  expect(judgeSystem(gpu)).toEqual({ name: 'system', why: "H200, the system's GPU" });
  expect(judgeSystem(lavapipe)).toMatchObject({ name: 'lavapipe', why: expect.stringContaining('Mesa 25.0.7') });
  expect(judgeSystem(swiftShader)).toMatchObject({ name: null, why: expect.stringContaining('SwiftShader') });
  expect(judgeSystem({ ...gpu, isRight: false })).toMatchObject({
    name: null,
    why: expect.stringContaining('wrong numbers'),
  });
  expect(judgeSystem(null)).toMatchObject({ name: null, why: expect.stringContaining('no usable GPU driver') });
});

// `npm run bench:bundle`: a folder with Node, Dawn, a Vulkan loader, SwiftShader, the GPU tests, the benchmarks and their peers, for
// an x86-64 Linux machine that has nothing but a GPU driver. Leaves .loomos/bundle/loomos-bench/ and loomos-bench.tar.gz, under
// 60 MB. There: tar -xzf loomos-bench.tar.gz && loomos-bench/run.sh

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { swiftShaderFolder } from '../../../scripts/setup/unpack.mjs';
import { installPeers } from './peers/install.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const parent = join(root, '.loomos', 'bundle');
const folder = join(parent, 'loomos-bench');
const largestMegabytes = 60;

if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the bundle is made on x86-64 Linux');
rmSync(parent, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
copyPrograms();
await copyPeers();
await bundleBenchmarks();
await bundleTests();
pack();

/** Node without its symbols, Dawn as npm brings it, the loader and SwiftShader. */
function copyPrograms() {
  const node = join(folder, 'node');
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  spawnSync('strip', [node]); // where there is no strip it only stays larger
  for (const file of ['package.json', 'index.js', 'dist/linux-x64/dawn.node'])
    copy(join('node_modules/webgpu', file), join('node_modules/webgpu', file));
  cpSync(swiftShaderFolder(root), join(folder, 'lib'), { recursive: true, filter: (path) => !/GLES|EGL/.test(path) });
  copy('test/bench/kernels/bundle/run.sh', 'run.sh');
  chmodSync(join(folder, 'run.sh'), 0o755);
}

async function copyPeers() {
  await installPeers();
  const jax = globSync('node_modules/@jax-js/jax/dist/*.js', { cwd: join(root, '.loomos/peers') });
  for (const file of ['installed', 'tfjs.cjs', 'node_modules/@jax-js/jax/package.json', ...jax])
    copy(join('.loomos/peers', file), join('peers', file));
  for (const name of [
    'ort.webgpu.bundle.min.mjs',
    ...['mjs', 'wasm'].map((end) => `ort-wasm-simd-threaded.asyncify.${end}`),
  ]) {
    const file = join('node_modules/onnxruntime-web/dist', name);
    copy(file, join('peers', file));
  }
}

async function bundleBenchmarks() {
  await bundle({ entryPoints: [join(root, 'test/bench/kernels/bench.ts')], outfile: join(folder, 'bench.mjs') });
}

/** Every test of kernels that need a device, in one file; the probe of drivers in child processes stays out. */
async function bundleTests() {
  const files = globSync('kernels/**/*.test.ts', { cwd: root })
    .filter((file) => /testDevices|checkKernel/.test(readFileSync(join(root, file), 'utf8')))
    .filter((file) => !/spawn|openDawn/.test(readFileSync(join(root, file), 'utf8')))
    .concat('test/golden/gpt.test.ts')
    .toSorted();
  checkMatchers(files);
  const lines = files.map((file) => `await import('./${file}');`);
  const contents = `import { runTests } from 'vitest';\n${lines.join('\n')}\nawait runTests();\n`;
  const alias = { vitest: join(root, 'test/bench/kernels/bundle/vitest-shim.mjs') };
  await bundle({ stdin: { contents, resolveDir: root }, alias, outfile: join(folder, 'tests.mjs') });
}

/** What stands in for vitest must have what the tests use: else they fail where nobody can mend them. */
function checkMatchers(files) {
  const known = readFileSync(join(root, 'test/bench/kernels/bundle/vitest-shim.mjs'), 'utf8');
  for (const file of files)
    for (const [, name] of readFileSync(join(root, file), 'utf8').matchAll(
      /\)(?:\.not|\.rejects)?\s*\.(to[A-Z]\w*)\(/g,
    ))
      if (!known.includes(`${name}: (`) && !(name in Array.prototype) && !(name in Number.prototype))
        throw new Error(`${file}: test/bench/kernels/bundle/vitest-shim.mjs has no ${name}`);
}

function bundle(options) {
  const common = { bundle: true, format: 'esm', platform: 'node', target: 'node24', external: ['webgpu', 'esbuild'] };
  return build({ ...common, logLevel: 'error', absWorkingDir: root, ...options });
}

function copy(from, to) {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  copyFileSync(join(root, from), join(folder, to));
}

function pack() {
  const file = join(parent, 'loomos-bench.tar.gz');
  const { status } = spawnSync('tar', ['-czf', file, '-C', parent, 'loomos-bench']);
  if (status !== 0) throw new Error('tar could not pack the bundle');
  const megabytes = statSync(file).size / 1e6;
  console.log(`${file}: ${megabytes.toFixed(1)} MB. On the other machine: tar -xzf it, then loomos-bench/run.sh`);
  if (megabytes > largestMegabytes) throw new Error(`the bundle is larger than ${largestMegabytes} MB`);
}

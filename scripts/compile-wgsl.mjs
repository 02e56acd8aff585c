// Compiles every module of kernels/generated with Dawn's own compiler, on a device that computes nothing: also what no adapter here
// could run, and with every array as f16 that may be one. Prints errors and warnings and exits 1, or prints nothing.

import { globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { create } from 'webgpu';

const root = fileURLToPath(new URL('..', import.meta.url));
globalThis.dawn = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']); // Dawn crashes once this is collected

const adapter = await globalThis.dawn.requestAdapter();
if (!adapter) throw new Error('Dawn has no null backend here');
const requiredFeatures = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
const device = await adapter.requestDevice({ requiredFeatures });
for (const path of globSync('kernels/generated/*.ts', { cwd: root }).sort()) {
  const values = Object.values(await import(pathToFileURL(join(root, path)).href));
  for (const { name, code } of values.flatMap(modulesOf)) {
    await compile(name, code);
    await compile(`${name} in f16`, `enable f16;\n${code.replace(/^(alias \w+ =) f32;$/gm, '$1 f16;')}`);
  }
}
device.destroy();

/** A module, its variants of all sorts, or none (WebAssembly). */
function modulesOf(value) {
  if (typeof value !== 'object') return [];
  return 'code' in value ? [value] : Object.values(value).flatMap(modulesOf);
}

async function compile(name, code) {
  device.pushErrorScope('validation'); // the messages below say more
  const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
  await device.popErrorScope();
  for (const { lineNum, linePos, message } of messages) console.error(`${name}:${lineNum}:${linePos} ${message}`);
  if (messages.length > 0) process.exitCode = 1;
}

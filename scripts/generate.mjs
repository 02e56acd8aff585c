// Makes kernels/generated from the sources beside the kernels: a typed description of every .wgsl file, and every .wat
// file assembled. Deterministic, so the result is committed; `--check` fails when it is stale and writes nothing.
//
// Where a .wgsl file has lines `// <prelude NAME>` and `// </prelude>`, what lies between them is replaced by
// kernels/prelude/NAME.wgsl: shared code exists once, and every file stays valid WGSL as it lies on disk.

import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';
import { describeWgsl } from './wgsl.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = 'kernels/generated';
const isCheck = process.argv.includes('--check');
const stale = [];

const preludes = new Map(find('kernels/prelude/*.wgsl').map((path) => [basename(path, '.wgsl'), read(path).trim()]));
const kernels = find('kernels/*/*.wgsl').filter((path) => !path.startsWith('kernels/prelude'));
for (const path of kernels) write(path, withPreludes(path));

const made = new Set();
for (const path of kernels) make(basename(path, '.wgsl'), wgslModule(path));
for (const path of find('kernels/*/*.wat')) make(`${basename(path, '.wat')}-wasm`, await wasmModule(path));
mkdirSync(join(root, output), { recursive: true });
for (const name of readdirSync(join(root, output))) if (!made.has(name)) remove(`${output}/${name}`);

if (isCheck && stale.length > 0) {
  console.error(`Out of date: ${stale.join(', ')}. Run: npm run generate`);
  process.exitCode = 1;
}

function find(pattern) {
  return globSync(pattern, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

function read(path) {
  return readFileSync(join(root, path), 'utf8');
}

function write(path, text) {
  if (existsSync(join(root, path)) && read(path) === text) return;
  stale.push(path);
  if (!isCheck) writeFileSync(join(root, path), text);
}

function remove(path) {
  stale.push(path);
  if (!isCheck) rmSync(join(root, path));
}

function make(name, text) {
  if (made.has(`${name}.ts`)) throw new Error(`two sources are named ${name}`);
  made.add(`${name}.ts`);
  mkdirSync(join(root, output), { recursive: true });
  write(`${output}/${name}.ts`, text);
}

function withPreludes(path) {
  return read(path).replace(/^\/\/ <prelude (\S+)>\n[^]*?^\/\/ <\/prelude>$/gm, (_, name) => {
    if (!preludes.has(name)) throw new Error(`${path}: there is no kernels/prelude/${name}.wgsl`);
    return `// <prelude ${name}>\n${preludes.get(name)}\n// </prelude>`;
  });
}

function wgslModule(path) {
  const name = basename(path, '.wgsl');
  const code = withPreludes(path);
  const literal = code.replace(/[`\\]|\$\{/g, '\\$&');
  return `// Made from ${path} by \`npm run generate\`. Do not edit.
export const ${camelCase(name)} = {
  name: '${name}',
  entryPoints: {${Object.entries(describeWgsl(code, path)).map(entryPoint).join('')}
  },
  code: \`${literal}\`,
} as const;
`;
}

function entryPoint([name, { bindings, required, optional }]) {
  const list = bindings.map((binding) => `\n        ${JSON.stringify(binding)},`).join('');
  return `
    ${name}: {
      bindings: [${list}
      ],
      required: ${JSON.stringify(required)},
      optional: ${JSON.stringify(optional)},
    },`;
}

async function wasmModule(path) {
  const name = basename(path, '.wat');
  const relaxed = await assemble(path, read(path));
  const strict = await assemble(path, withoutRelaxedMadd(read(path)));
  return `// Made from ${path} by \`npm run generate\`. Do not edit.
export const ${camelCase(name)}Wasm = {
  relaxed:
    '${relaxed}',
  strict:
    '${strict}',
} as const;
`;
}

async function assemble(path, text) {
  const { parseWat } = await wabt();
  const module = parseWat(path, text, { simd: true, relaxed_simd: true });
  module.validate();
  const { buffer } = module.toBinary({});
  module.destroy();
  return Buffer.from(buffer).toString('base64');
}

/** (f32x4.relaxed_madd A B C) -> (f32x4.add (f32x4.mul A B) C) */
function withoutRelaxedMadd(text) {
  const at = text.indexOf('(f32x4.relaxed_madd');
  if (at < 0) return text;
  const operands = [];
  let [depth, start, end] = [0, -1, at + '(f32x4.relaxed_madd'.length];
  for (; operands.length < 3; end++) {
    if (text[end] === '(' && depth++ === 0) start = end;
    if (text[end] === ')' && --depth === 0) operands.push(text.slice(start, end + 1));
  }
  const close = text.indexOf(')', end);
  const [a, b, c] = operands;
  return withoutRelaxedMadd(`${text.slice(0, at)}(f32x4.add (f32x4.mul ${a} ${b}) ${c}${text.slice(close)}`);
}

function camelCase(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

// Makes kernels/generated from the sources beside the kernels: a typed description of every .wgsl file, and every .wat
// file assembled. Deterministic, so the result is committed; `--check` fails when it is stale and writes nothing.
//
// A .wgsl file with a line `// with: NAME, …` is followed by kernels/prelude/NAME.wgsl and what that is with, each once, when it is
// loaded: WGSL knows no order of declarations. `A-X | A-Y` in that line makes a module X and a module Y, with either prelude; what
// a prelude enables goes first. A file with a line `const NAME = VALUE; // variants: VALUE, …` is a module for
// each value. So every text exists once, here and on disk, and no line of WGSL is written by a program.

import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';
import { describeWgsl } from './wgsl.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = 'kernels/generated';
const isCheck = process.argv.includes('--check');
const stale = [];
const directive = /^(enable|diagnostic)[ (][^;]+;\n+/gm; // must come first in a module

const made = new Set();
const wgsl = find('kernels/*/*.wgsl').map(readWgsl);
const preludes = new Map(wgsl.filter(({ isPrelude }) => isPrelude).map((source) => [source.name, source]));
for (const source of preludes.values()) make(`prelude/${source.name}`, preludeModule(source));
for (const source of wgsl.filter(({ isPrelude }) => !isPrelude)) make(source.name, kernelModule(source));
for (const path of find('kernels/*/*.wat')) make(`${basename(path, '.wat')}-wasm`, await wasmModule(path));
for (const path of find(`${output}/**/*.ts`)) if (!made.has(path)) remove(path);

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
  const path = `${output}/${name}.ts`;
  if (made.has(path)) throw new Error(`two sources are named ${name}`);
  made.add(path);
  mkdirSync(dirname(join(root, path)), { recursive: true });
  write(path, `${text}\n`);
}

function readWgsl(path) {
  const code = read(path).trim();
  const includes = /^\/\/ with: (.*)$/m.exec(code)?.[1].split(', ') ?? [];
  return { path, name: basename(path, '.wgsl'), code, includes, isPrelude: path.startsWith('kernels/prelude/') };
}

/** The preludes that a source is with, directly or by another one; each once. */
function preludesOf({ path, includes }, known = new Set()) {
  for (const name of includes) {
    const prelude = preludes.get(name);
    if (!prelude) throw new Error(`${path}: there is no kernels/prelude/${name}.wgsl`);
    if (!known.has(prelude)) preludesOf(prelude, known.add(prelude));
  }
  return [...known];
}

/** A source with one of the preludes that its `with` leaves open, and what that makes of it; the first has no suffix. */
function alternativesOf(source) {
  const [open, ...others] = source.includes.filter((name) => name.includes(' | '));
  if (others.length > 0) throw new Error(`${source.path}: two preludes are left open`);
  if (open === undefined) return [{ key: null, suffix: '', parts: preludesOf(source) }];
  return open.split(' | ').map((chosen, i) => {
    const includes = source.includes.map((name) => (name === open ? chosen : name));
    const key = chosen.split('-').at(-1);
    return { key, suffix: i === 0 ? '' : `-${key}`, parts: preludesOf({ ...source, includes }) };
  });
}

function preludeModule({ path, name, code }) {
  return `${madeFrom(path)}
export const ${camelCase(name)}Prelude = ${literal(code.replace(directive, ''))};`;
}

function kernelModule(source) {
  const { path, name, code } = source;
  const alternatives = alternativesOf(source);
  const parts = [...new Set(alternatives.flatMap((alternative) => alternative.parts))];
  const described = alternatives.map((alternative) =>
    JSON.stringify(describeWgsl([code, ...alternative.parts.map((part) => part.code)].join('\n\n'), path)),
  );
  if (new Set(described).size > 1) throw new Error(`${path}: its alternatives bind and override different things`);
  const entryPoints = JSON.parse(described[0]);
  const isOpen = alternatives.length > 1;
  const all = alternatives.map((one) => (isOpen ? `  ${one.key}: ${modules(source, one)},\n` : modules(source, one)));
  const codes = alternatives.map((one) => wholeCode(one, isOpen ? 'own' : literal(code)));
  return `${madeFrom(path)}
${parts.map((part) => `import { ${camelCase(part.name)}Prelude } from './prelude/${part.name}.ts';\n`).join('')}
const entryPoints = {${Object.entries(entryPoints).map(entryPoint).join('')}
} as const;

${isOpen ? `const own = ${literal(code)};\n\n` : ''}${codes.join('\n')}

export const ${camelCase(name)} = ${isOpen ? `{\n${all.join('')}}` : all[0]} as const;`;
}

/** The text of a module before its variants are told apart. */
function wholeCode({ key, parts }, own) {
  const directives = parts.flatMap(({ code }) => code.match(directive) ?? []).map((line) => line.trim());
  const texts = [...(directives.length > 0 ? [`'${directives.join(' ')}'`] : []), own];
  return `const ${key ?? 'code'} = [${[...texts, ...parts.map((part) => `${camelCase(part.name)}Prelude`)].join(', ')}].join('\\n\\n');`;
}

/** One module, or one for each value of the constant that has variants. */
function modules({ path, name, code }, { key, suffix }) {
  const [found, ...others] = code.matchAll(/^(const \w+ =) \w+; \/\/ variants: (.*)$/gm);
  const text = key ?? 'code';
  if (!found) return `{ name: '${name}${suffix}', entryPoints, ${key ? `code: ${key}` : 'code'} }`;
  if (others.length > 0) throw new Error(`${path}: two constants have variants`);
  const [line, declaration, values] = found;
  const variant = (value) => {
    const changed = `${text}.replace('${line}', '${declaration} ${value};')`;
    const number = Number.parseInt(value);
    return `  ${number}: { name: '${name}${suffix}-${number}', entryPoints, code: ${changed} },\n`;
  };
  return `{\n${values.split(', ').map(variant).join('')}}`;
}

function madeFrom(path) {
  return `// Made from ${path} by \`npm run generate\`. Do not edit.`;
}

function literal(code) {
  return `\`${code.replace(/[`\\]|\$\{/g, '\\$&')}\``;
}

function entryPoint([name, { bindings, required, optional }]) {
  const list = bindings.map((binding) => `\n      ${JSON.stringify(binding)},`).join('');
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
  return `${madeFrom(path)}
export const ${camelCase(name)}Wasm = {
  relaxed:
    '${relaxed}',
  strict:
    '${strict}',
} as const;`;
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

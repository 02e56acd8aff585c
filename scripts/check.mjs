// Everything about the source that needs no running: types, lint, format, generated files, WGSL, and which room imports which.
// Prints what is wrong and exits 1, or one line and exits 0.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

// What a file of each room may import from, besides packages.
const mayImport = {
  shared: ['shared'],
  kernels: ['shared', 'kernels'],
  client: ['shared', 'kernels', 'client'],
  coordinator: ['shared', 'coordinator'],
};

/** @type {[string, () => string[]][]} */
const checks = [
  ['types', () => run('tsc', ['-b', '--pretty', 'false'])],
  ['lint', () => run('oxlint', ['--deny-warnings'])],
  ['format', () => run('oxfmt', ['--check', '.'])],
  ['generated files', () => run('node', [join('scripts', 'generate.mjs'), '--check'])],
  ['shaders', () => run('node', [join('scripts', 'compile-wgsl.mjs')])],
  ['import direction', importDirection],
  ['import circles', importCircles],
];

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.status === 0) return [];
  return [`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trim()];
}

/** Imports against the one way: shared <- kernels <- client, shared <- coordinator. Types cover this too, tests they do not. */
function importDirection() {
  return Object.entries(mayImport).flatMap(([room, allowed]) =>
    sourceFiles(join(root, room)).flatMap((file) =>
      importsOf(file)
        .filter((target) => !allowed.includes(relative(root, target).split(sep)[0]))
        .map(
          (target) =>
            `${relative(root, file)} imports ${relative(root, target)}: ${room} may import ${allowed.join(', ')}`,
        ),
    ),
  );
}

/** Files that import each other, straight or around others; of types as well: what both need belongs below both. */
function importCircles() {
  const files = Object.keys(mayImport).flatMap((room) => sourceFiles(join(root, room)));
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  const circles = [];
  const finished = new Set();
  const follow = (file, path) => {
    const before = path.indexOf(file);
    if (before >= 0) circles.push([...path.slice(before), file].map((one) => relative(root, one)).join(' -> '));
    if (before >= 0 || finished.has(file)) return;
    for (const target of imports.get(file) ?? []) follow(target, [...path, file]);
    finished.add(file);
  };
  for (const file of files) follow(file, []);
  return circles;
}

function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name));
}

function importsOf(file) {
  const specifiers = readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)'/gm);
  return [...specifiers].map(([, specifier]) => join(dirname(file), specifier));
}

let failed = 0;
for (const [name, check] of checks) {
  const problems = check();
  if (problems.length === 0) continue;
  failed += 1;
  console.error(`${name}:\n${problems.join('\n')}\n`);
}
console.log(
  failed === 0 ? `check: ${checks.length} of ${checks.length} passed` : `check: ${failed} of ${checks.length} failed`,
);
if (process.env.LOOMOS_CHECK_RESULT !== undefined) {
  writeFileSync(process.env.LOOMOS_CHECK_RESULT, JSON.stringify({ passed: checks.length - failed, failed }));
}
process.exitCode = failed === 0 ? 0 : 1;

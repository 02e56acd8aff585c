// `npm test`: the checks of check.mjs, then every suite one after the other with its output as it comes. The last line is
// `N passed, N failed`. A suite that fails to start, or that runs no test, counts as a failure.
// `npm test -- unit` runs only the suites named.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const results = join(root, 'test-results');

const suites = {
  check: {
    command: ['node', 'scripts/check.mjs'],
    count: ({ passed, failed }) => ({ passed, failed }),
  },
  unit: vitest('unit'),
  workerd: vitest('workerd'),
  chromium: {
    command: ['playwright', 'test', '--reporter=list,json'],
    count: ({ stats }) => ({ passed: stats.expected + stats.flaky, failed: stats.unexpected }),
  },
};

function vitest(project) {
  return {
    command: ['vitest', 'run', '--project', project, '--reporter=default', '--reporter=json'],
    output: (file) => [`--outputFile.json=${file}`],
    count: ({ numPassedTests, numFailedTests }) => ({ passed: numPassedTests, failed: numFailedTests }),
  };
}

/** Runs one suite. A failure that no test accounts for (a crash, a file that does not load) counts as one. */
async function runSuite(name, suite) {
  console.log(`\n── ${name} ──`);
  const file = join(results, `${name}.json`);
  rmSync(file, { force: true });
  const startedAt = Date.now();
  const [command, ...args] = suite.command;
  const code = await run(command, [...args, ...(suite.output?.(file) ?? [])], file);
  const { passed, failed } = readCounts(file, suite.count);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  const isUnexplained = failed === 0 && (code !== 0 || passed === 0);
  if (isUnexplained) console.log(`${name}: ${passed === 0 ? 'ran no test' : `exited with ${code}`}`);
  return { name, passed, failed: isUnexplained ? 1 : failed, seconds };
}

function run(command, args, resultFile) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_FILE: resultFile, LOOMOS_CHECK_RESULT: resultFile },
    shell: process.platform === 'win32',
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

function readCounts(file, count) {
  try {
    return count(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return { passed: 0, failed: 0 }; // the suite never got so far as to write it
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(', ')} (there are ${Object.keys(suites).join(', ')})`);
  process.exit(2);
}
mkdirSync(results, { recursive: true });
const outcomes = [];
for (const [name, suite] of Object.entries(suites)) {
  if (wanted.length === 0 || wanted.includes(name)) outcomes.push(await runSuite(name, suite));
}
const total = (field) => outcomes.reduce((sum, outcome) => sum + outcome[field], 0);
console.log('');
for (const { name, passed, failed, seconds } of outcomes) {
  console.log(`${name.padEnd(9)} ${passed} passed, ${failed} failed, ${seconds} s`);
}
process.exitCode = total('failed') === 0 ? 0 : 1;
console.log(`${total('passed')} passed, ${total('failed')} failed`);

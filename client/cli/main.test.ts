// The command line as a process: exit codes, and what goes to which stream.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 300_000 });

const main = join(import.meta.dirname, 'main.ts');

function loomos(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, stdout, stderr };
}

function fileWith(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'loomos-cli-')), 'job.yaml');
  writeFileSync(file, text);
  return file;
}

test('help is a result: standard output, exit 0', () => {
  expect(loomos('--help')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('loomos demo') });
  expect(JSON.parse(loomos('--help', '--json').stdout).commands.length).toBeGreaterThan(5);
});

test('the version', () => {
  expect(loomos('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  ['a wrong command', ['sing'], /there is no command 'sing'/],
  ['no manifest', ['run'], /MANIFEST is missing/],
  ['a wrong path', ['run', 'no/such.yaml'], /^loomos: no\/such\.yaml: no such file/],
  ['an empty manifest', ['run', fileWith('')], /job\.yaml: the manifest is empty/],
  ['a broken manifest', ['run', fileWith('a: [1,')], /job\.yaml:1:\d+: not valid YAML/],
  [
    'a worker with too much to do',
    ['worker', '--load', '3'],
    /--load: '3' is not a fitting number \(allowed: 0.05 to 1\)/,
  ],
  ['a worker nowhere', ['worker', '--coordinator', 'here'], /'here' is no address/],
  ['an address that is none', ['jobs', 'list', '--coordinator', 'here'], /'here' is no address/],
])('%s ends in one message and exit 2', (_, words, message) => {
  const { status, stdout, stderr } = loomos(...words);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('a coordinator that does not answer is exit 3', () => {
  const { status, stderr } = loomos('jobs', 'list', '--coordinator', 'http://127.0.0.1:1');
  expect(status).toBe(3);
  expect(stderr).toMatch(/^loomos: cannot reach the coordinator at http:\/\/127\.0\.0\.1:1\n/);
});

test('with --json an error is JSON on standard output', () => {
  const { status, stdout } = loomos('run', 'no/such.yaml', '--json');
  expect(status).toBe(2);
  expect(JSON.parse(stdout).error).toMatchObject({ code: 'invalid_manifest', where: 'no/such.yaml' });
});

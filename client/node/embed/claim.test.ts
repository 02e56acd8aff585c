import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LoomError } from '../../../shared/errors.ts';
import { claimFolder, readHolder } from './claim.ts';

const claimFile = 'coordinator.json';
const newFolder = () => mkdtempSync(join(tmpdir(), 'loomos-claim-'));

/** Claims a folder from another process, which then sleeps. */
async function claimElsewhere(data: string) {
  const module = join(import.meta.dirname, 'claim.ts');
  const script = `import { claimFolder } from ${JSON.stringify(module)};
    claimFolder(${JSON.stringify(data)}).announce('http://127.0.0.1:1'); console.log('claimed'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

test('a folder in use is refused, naming who uses it', async () => {
  const data = newFolder();
  const other = await claimElsewhere(data);
  try {
    expect(() => claimFolder(data)).toThrow(LoomError);
    expect(() => claimFolder(data)).toThrow(`process ${other.pid} at http://127.0.0.1:1`);
  } finally {
    other.kill('SIGKILL');
  }
});

test('what a killed process left behind does not count', async () => {
  const data = newFolder();
  const other = await claimElsewhere(data);
  const gone = new Promise((resolve) => other.once('exit', resolve));
  other.kill('SIGKILL');
  await gone;
  expect(existsSync(join(data, claimFile))).toBe(true);
  const claim = claimFolder(data);
  claim.release();
  expect(existsSync(join(data, claimFile))).toBe(false);
});

test.runIf(existsSync('/proc/self/stat'))('a later process with the same id does not count', async () => {
  const data = newFolder();
  const other = await claimElsewhere(data);
  try {
    const file = join(data, claimFile);
    expect(readHolder(data)?.pid).toBe(other.pid);
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), startedAt: '1' }));
    expect(readHolder(data)).toBeNull();
  } finally {
    other.kill('SIGKILL');
  }
});

test('what a crash left half written does not count', () => {
  const data = newFolder();
  writeFileSync(join(data, claimFile), '{"pid":12,"star');
  writeFileSync(join(data, 'workerd.pid'), 'no number');
  expect(readHolder(data)).toBeNull();
  claimFolder(data).release();
  expect(existsSync(join(data, claimFile))).toBe(false);
});

// `loomos up`, `worker`, `jobs` and `ledger` together, as an operator runs them; and kill -9 of the coordinator in mid-job.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { JobView } from '../../shared/api/schemas.ts';
import { newFolder, projectFolderWith, start, textOf } from './testing/loomos.ts';
import type { Started } from './testing/loomos.ts';

vi.setConfig({ testTimeout: 600_000 });

const running: Started[] = [];
afterEach(async () => {
  for (const { process } of running) process.kill('SIGTERM');
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

function begin(folder: string, ...args: string[]): Started {
  const started = start(folder, args);
  running.push(started);
  return started;
}

test('a job goes on after kill -9 of the coordinator, from the last closed round', async () => {
  const folder = projectFolderWith(textOf(6000), '{ maxTokens: 150000 }');
  const data = join(folder, 'data');
  const first = begin(folder, 'up', '--port', '0', '--data', data);
  const [, url, port] = await first.said(/LoomOS is up: (http:\/\/[\d.]+:(\d+))/);
  const target = ['--coordinator', url!];
  const token = [
    '--token',
    (JSON.parse(readFileSync(join(data, 'secrets.json'), 'utf8')) as { LOOMOS_OWNER_TOKEN: string }).LOOMOS_OWNER_TOKEN,
  ];
  begin(folder, 'worker', ...target, '--backend', 'cpu');
  begin(folder, 'worker', ...target, '--backend', 'cpu');
  const id = (await start(folder, ['jobs', 'submit', 'job.yaml', ...target, ...token]).ended).stdout.trim();
  expect(id).toMatch(/^own-text-/);
  const describe = async (): Promise<JobView> =>
    JSON.parse((await start(folder, ['jobs', 'describe', id, ...target, '--json']).ended).stdout) as JobView;

  const logs = begin(folder, 'jobs', 'logs', id, '--follow', ...target);
  await logs.said(/Round 2 closed/);
  first.process.kill('SIGKILL');
  await first.ended;
  const second = begin(folder, 'up', '--port', port!, '--data', data);
  await second.said(/LoomOS is up/);
  const resumed = await describe();
  expect(resumed.round).toBeGreaterThan(2);
  expect(resumed.state).not.toBe('failed');

  const { status, stdout } = await logs.ended; // it followed through the restart, without missing or repeating a line
  expect(status, stdout).toBe(0);
  const closed = [...stdout.matchAll(/Round (\d+) closed/g)].map(([, round]) => Number(round));
  expect(closed).toEqual(Array.from({ length: closed.length }, (_, round) => round));
  expect(await describe()).toMatchObject({ state: 'completed', round: closed.length });
  expect(JSON.parse((await start(folder, ['ledger', 'verify', '--json', ...target]).ended).stdout)).toMatchObject({
    verified: true,
  });
  const download = await start(folder, ['jobs', 'download', id, '--out', 'mine', ...target]).ended;
  expect(download.stdout).toMatch(/model\.safetensors.*report\.json/);
});

test('a coordinator on data in use is refused, and says by whom', async () => {
  const folder = newFolder();
  const first = begin(folder, 'up', '--port', '0', '--data', 'data');
  await first.said(/LoomOS is up/);
  const { status, stderr } = await start(folder, ['up', '--port', '0', '--data', 'data']).ended;
  expect(status).toBe(1);
  expect(stderr).toContain(`process ${first.process.pid} at http://127.0.0.1:`);
  first.process.kill('SIGINT');
  expect((await first.ended).status).toBe(0);
});

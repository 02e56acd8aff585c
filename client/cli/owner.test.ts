// What a job owner and an operator do around the training, with a real coordinator and no worker.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Started } from './testing/loomos.ts';
import { newFolder, projectFolderWith, start, textOf } from './testing/loomos.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const folder = projectFolderWith(textOf(6000), '{ maxTokens: 100000 }');
let place: { up: Started; url: string; token: string };

beforeAll(async () => {
  place = await bringUp('data');
});

afterAll(async () => {
  place.up.process.kill('SIGINT');
  await place.up.ended;
});

async function bringUp(data: string): Promise<typeof place> {
  const up = start(folder, ['up', '--port', '0', '--data', data]);
  const [, url] = await up.said(/LoomOS is up: (\S+)/);
  const secrets = JSON.parse(readFileSync(join(folder, data, 'secrets.json'), 'utf8')) as Record<string, string>;
  return { up, url: url!, token: secrets['LOOMOS_OWNER_TOKEN']! };
}

/** Runs `loomos WORDS` against the coordinator, as its owner. */
const loomos = (words: string[], { url, token } = place) =>
  start(folder, words, { LOOMOS_COORDINATOR: url, LOOMOS_OWNER_TOKEN: token }).ended;

test('init writes a manifest that is accepted, and never over another file', async () => {
  const made = await loomos(['init', '--text', "it's my.txt", '--out', 'new.yaml']);
  expect(made).toMatchObject({ status: 0, stdout: expect.stringContaining('loomos run new.yaml') });
  expect(readFileSync(join(folder, 'new.yaml'), 'utf8')).toContain("source: 'file:it''s my.txt'");
  const again = await loomos(['init', '--out', 'new.yaml']);
  expect(again).toMatchObject({ status: 2, stderr: expect.stringMatching(/new\.yaml exists already .*--force/) });
  const model = await loomos(['init', '--model', './gpt2', '--out', 'new.yaml', '--force']);
  expect(model.status, model.stderr).toBe(0);
  expect(readFileSync(join(folder, 'new.yaml'), 'utf8')).toContain("from: 'file:./gpt2'");
});

test('a job is submitted with a changed field, restarted, listed, and ended', async () => {
  const first = (await loomos(['jobs', 'submit', 'job.yaml', '--set', 'spec.seed=7'])).stdout.trim();
  const second = (await loomos(['jobs', 'restart', first])).stdout.trim();
  expect(second).toMatch(/^own-text-/);
  expect(second).not.toBe(first);
  const { jobs } = JSON.parse((await loomos(['jobs', 'list', '--limit', '1', '--json'])).stdout) as { jobs: unknown[] };
  expect(jobs).toEqual([expect.objectContaining({ id: second, state: 'queued' })]);
  expect(JSON.stringify(jobs)).toContain('"seed":7');
  const watch = start(folder, ['jobs', 'watch', second], { LOOMOS_COORDINATOR: place.url });
  await watch.said(/queued|waiting/);
  watch.process.kill('SIGINT');
  expect(await watch.ended).toMatchObject({ status: 130, stderr: expect.stringContaining('the job goes on') });
  for (const id of [first, second]) expect((await loomos(['jobs', 'cancel', id])).stdout).toMatch(/cancelled/);
  expect(await loomos(['jobs', 'watch', first])).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/cancelled/),
  });
});

test('wrong input: a field that cannot be set, a wrong token, another worker', async () => {
  const wrong = await loomos(['jobs', 'submit', 'job.yaml', '--set', 'spec.seed']);
  expect(wrong).toMatchObject({ status: 2, stderr: expect.stringMatching(/--set: 'spec\.seed' is no change/) });
  const unknown = await loomos(['jobs', 'submit', 'job.yaml', '--set', 'spec.model.depth=2']);
  expect(unknown).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/job\.yaml:\d+:\d+: .*unknown field depth/),
  });
  const token = await loomos(['jobs', 'submit', 'job.yaml', '--token', 'wrong']);
  expect(token).toMatchObject({ status: 2, stderr: expect.stringMatching(/not the owner token[^]*--token or LOOMOS/) });
  expect((await loomos(['bans', 'lift', 'me'])).stderr).toMatch(/is no worker id such as w-/);
  expect((await loomos(['workers', 'list'])).stdout).toBe('no workers\n');
});

test('a backup of the ledger is checked, and shows a ledger that began anew', async () => {
  await loomos(['jobs', 'submit', 'job.yaml']);
  const backup = await loomos(['ledger', 'backup', '--out', 'kept.jsonl']);
  expect(backup).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^kept\.jsonl: \d+ events, root [0-9a-f]{64}/),
  });
  await loomos(['jobs', 'submit', 'job.yaml']);
  const verify = ['ledger', 'verify', '--file', 'kept.jsonl'];
  expect(await loomos(verify)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^verified: .*kept\.jsonl/) });
  const other = await bringUp('other');
  expect(await loomos(verify, other)).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/of the backup is missing/),
  });
  other.up.process.kill('SIGINT');
  await other.up.ended;
  const lines = readFileSync(join(folder, 'kept.jsonl'), 'utf8');
  writeFileSync(join(folder, 'kept.jsonl'), lines.replace('"own-text"', '"own-test"'));
  expect(await loomos(verify)).toMatchObject({ status: 1, stdout: expect.stringMatching(/the backup is damaged/) });
  writeFileSync(join(folder, 'kept.jsonl'), 'no json');
  expect(await loomos(verify)).toMatchObject({ status: 2, stderr: expect.stringMatching(/kept\.jsonl: is no backup/) });
});

test('help of a command, of a group, and of everything fits 80 columns', async () => {
  const [command, group, all] = await Promise.all(
    [['help', 'run'], ['jobs', '--help'], ['--help']].map((words) => start(newFolder(), words).ended),
  );
  expect(command!.stdout).toContain('Usage: loomos run MANIFEST');
  expect(group!.stdout).toContain('jobs submit MANIFEST');
  expect(group!.stdout).not.toContain('loomos demo');
  for (const { status, stdout } of [command!, group!, all!]) {
    expect(status).toBe(0);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  }
});

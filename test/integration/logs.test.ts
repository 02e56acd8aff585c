// A job's log as a stream: complete, resumable, and over when the job is.

import { beforeAll, expect, test } from 'vitest';
import type { LogLine } from '../../shared/api/schemas.ts';
import { asOwner, errorOf, get, migrate, request, submit, until } from './api.ts';
import { ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

interface Streamed {
  lines: LogLine[];
  ids: number[];
  end: { state: string } | null;
}

/** Reads a stream of server-sent events until it ends. */
async function readAll(response: Response): Promise<Streamed> {
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const events = (await response.text())
    .split('\n\n')
    .map((event) =>
      Object.fromEntries(event.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])),
    );
  const lines = events.filter(({ id }) => id !== undefined);
  const end = events.find(({ event }) => event === 'end');
  return {
    lines: lines.map(({ data }) => JSON.parse(data!) as LogLine),
    ids: lines.map(({ id }) => Number(id)),
    end: end === undefined ? null : (JSON.parse(end.data!) as { state: string }),
  };
}

test('a follower sees every line once and the end', async () => {
  const job = await submit();
  const stream = readAll(await request(`jobs/${job.id}/logs?follow=1`));
  await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  const { lines, ids, end } = await stream;
  expect(end).toEqual({ state: 'completed' });
  expect(lines).toEqual((await get<{ lines: LogLine[] }>(`jobs/${job.id}/logs`)).lines);
  expect(ids).toEqual(lines.map(({ seq }) => seq));
  expect(lines.at(-1)!.text).toMatch(/^The job completed after \d+ rounds/);
});

test('a reader that comes back misses nothing and sees nothing twice', async () => {
  const job = await submit({ runtime: { maxTokens: 100_000_000 } });
  const workers = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  await until(() => workers[0]!.round >= 2, 'two rounds');
  const first = await request(`jobs/${job.id}/logs?follow=1`);
  const reader = first.body!.getReader();
  await reader.read();
  await reader.cancel();
  const resumed = readAll(await request(`jobs/${job.id}/logs?follow=1`, { headers: { 'last-event-id': '3' } }));
  await asOwner(`jobs/${job.id}/cancel`, 'POST');
  const { ids, end } = await resumed;
  expect(ids).toEqual(ids.map((_, index) => index + 4));
  expect(end).toEqual({ state: 'cancelled' });
  const over = await readAll(await request(`jobs/${job.id}/logs?follow=1&after=${ids.at(-1)}`));
  expect(over).toEqual({ lines: [], ids: [], end: { state: 'cancelled' } });
  expect(await errorOf(request(`jobs/${job.id}/logs?after=-1`))).toMatchObject({ status: 400, where: 'query.after' });
});

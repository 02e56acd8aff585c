import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { LoomError } from '../../shared/errors.ts';
import { LoomOSClient } from './client.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const open: { close(): void; closeAllConnections(): void }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A real HTTP server that gives its answers one after the other, and a client that does not wait between attempts. */
async function serve(...answers: Answer[]) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answers[Math.min(requests.length, answers.length) - 1]!(request, response);
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new LoomOSClient({ url, ownerToken: 'secret', sleep: async () => {}, random: () => 0 });
  return { client, requests };
}

const json =
  (status: number, body: unknown): Answer =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const hangUp: Answer = (request) => request.socket.destroy();
const root = { events: 0, root: 'e'.repeat(64) };

test('an error of the coordinator arrives as the same LoomError', async () => {
  const error = { code: 'invalid_manifest', message: 'must be a multiple of heads', where: 'spec.model.width' };
  const { client, requests } = await serve(json(422, { error }));
  await expect(client.submitJob('kind: x')).rejects.toMatchObject(error);
  expect(requests).toHaveLength(1);
  expect(requests[0]!.headers.authorization).toBe('Bearer secret');
});

test('tries again after 503, 429 and a broken connection, and gives up after five attempts', async () => {
  const busy = json(503, { error: { code: 'unavailable', message: 'starting' } });
  const limited = json(429, { error: { code: 'rate_limited', message: 'slow down' } });
  const first = await serve(busy, limited, hangUp, json(200, root));
  expect(await first.client.ledgerRoot()).toEqual(root);
  const second = await serve(busy);
  await expect(second.client.ledgerRoot()).rejects.toMatchObject({ code: 'unavailable', message: 'starting' });
  expect(second.requests).toHaveLength(5);
});

test('a submission is not sent twice when the connection breaks, because it may have arrived', async () => {
  const { client, requests } = await serve(hangUp);
  await expect(client.submitJob('kind: x')).rejects.toMatchObject({ code: 'unavailable' });
  expect(requests).toHaveLength(1);
});

test('an answer of another shape is named, not passed on', async () => {
  const { client } = await serve(json(200, { events: 'many', root: 'x' }));
  await expect(client.ledgerRoot()).rejects.toThrow(LoomError);
  await expect(client.ledgerRoot()).rejects.toMatchObject({ code: 'internal', where: '/ledger/root.events' });
});

test('an answer from something that is no coordinator is named', async () => {
  const { client } = await serve((_, response) => response.writeHead(404).end('<html>'));
  await expect(client.ledgerRoot()).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('404'),
  });
});

test('following a log goes on after the last line when the connection breaks', async () => {
  const line = (seq: number) =>
    `id: ${seq}\ndata: ${JSON.stringify({ seq, at: 1, level: 'info', text: `line ${seq}` })}\n\n`;
  const { client, requests } = await serve(
    (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`${line(0)}${line(1)}id: 2\nda`);
      setTimeout(() => request.socket.destroy(), 50);
    },
    (_, response) => response.writeHead(200).end(`: keep-alive\n\n${line(1)}${line(2)}event: end\ndata: {}\n\n`),
  );
  const texts: string[] = [];
  for await (const { text } of client.followLogs('a-job')) texts.push(text);
  expect(texts).toEqual(['line 0', 'line 1', 'line 2']);
  expect(requests[1]!.headers['last-event-id']).toBe('1');
});

test('whoever stops following a log while the coordinator does not answer is let go at once', async () => {
  const line = `id: 0\ndata: ${JSON.stringify({ seq: 0, at: 1, level: 'info', text: 'line 0' })}\n\n`;
  const stop = new AbortController();
  const { client, requests } = await serve(
    (_, response) => response.writeHead(200).end(line),
    () => stop.abort(), // and never answers
  );
  const texts: string[] = [];
  for await (const { text } of client.followLogs('a-job', { signal: stop.signal })) texts.push(text);
  expect(texts).toEqual(['line 0']);
  expect(requests).toHaveLength(2);
});

test('an answer that breaks off is asked for again, and named when it stays so', async () => {
  const cut: Answer = (request, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"events":');
    setTimeout(() => request.socket.destroy(), 20);
  };
  const first = await serve(cut, json(200, root));
  expect(await first.client.ledgerRoot()).toEqual(root);
  const second = await serve(cut);
  await expect(second.client.downloadArtifact('a-job', 'config.json')).rejects.toMatchObject({ code: 'unavailable' });
  expect(second.requests).toHaveLength(5);
});

test('a file may take longer than an answer as long as it moves; one that stands still is given up', async () => {
  const pieces = ['one', 'two', 'three', 'four'];
  const slow: Answer = (_, response) => {
    response.writeHead(200);
    for (const [i, piece] of pieces.entries()) setTimeout(() => response.write(piece), 700 * i);
    setTimeout(() => response.end(), 700 * pieces.length);
  };
  const moving = await serve(slow);
  const patient = new LoomOSClient({ url: moving.client.url, attempts: 1, timeoutMs: 2000 });
  expect(new TextDecoder().decode(await patient.downloadArtifact('a-job', 'sample.txt'))).toBe(pieces.join(''));
  const still = await serve((_, response) => void response.writeHead(200).write('one'));
  const impatient = new LoomOSClient({ url: still.client.url, attempts: 1, timeoutMs: 2000 });
  await expect(impatient.downloadArtifact('a-job', 'sample.txt')).rejects.toMatchObject({ code: 'unavailable' });
});

test('what is sent along has the time that it takes on a slow line', async () => {
  const text = new Uint8Array(600_000).fill(97);
  const stored = { sha256: 'a'.repeat(64), bytes: text.length };
  const { client } = await serve((request, response) => {
    setTimeout(() => json(201, stored)(request.resume(), response), 1500);
  });
  const hasty = new LoomOSClient({ url: client.url, attempts: 1, timeoutMs: 500 });
  expect(await hasty.uploadDataset(text)).toEqual(stored);
});

test('a coordinator cannot name files outside the folder that they go to', async () => {
  const { client } = await serve(json(200, { artifacts: [{ name: '../../.profile', bytes: 1 }] }));
  await expect(client.listArtifacts('a-job')).rejects.toMatchObject({ code: 'internal' });
});

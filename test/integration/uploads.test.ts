// Checkpoints, artifacts and the relay: only whoever holds the lease may store, and only what is of this job.

import { beforeAll, expect, test } from 'vitest';
import { uploadLimits } from '../../coordinator/cluster/room/limits.ts';
import { parseManifest } from '../../shared/manifest/manifest.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { sha256Hex, utf8 } from '../../shared/bytes.ts';
import { asOwner, asWorker, contentOf, env, errorOf, get, migrate, register, request, submit, until } from './api.ts';
import { payloadOf } from '../../shared/protocol/testing/chain.ts';
import { ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

const storeCheckpointsAlways = { maxTokens: 6_144, checkpointInterval: '1ms' };

test('only the holder of the lease may store a checkpoint, and only with its fence', async () => {
  const job = await submit({ runtime: { maxTokens: 6_144, checkpointInterval: '1ms' } });
  const [first, second] = await Promise.all([
    ProtocolWorker.join(job.id, { uploads: false }),
    ProtocolWorker.join(job.id, { uploads: false }),
  ]);
  const holder = await until(
    () => [first, second].find((worker) => worker.heard('lease').length > 0) ?? null,
    'a lease',
  );
  const other = holder === first ? second : first;
  const { lease } = holder.heard('lease')[0]!;
  const path = `jobs/${job.id}/checkpoints/${lease.round}`;
  const put = (token: string, where: string, body: BodyInit = 'state') => asWorker(token, where, 'PUT', body);
  expect(await errorOf(request(`${path}?fence=${lease.fence}`, { method: 'PUT', body: 'x' }))).toMatchObject({
    status: 401,
  });
  expect(await errorOf(put(other.token, `${path}?fence=${lease.fence}`))).toMatchObject({
    status: 409,
    code: 'conflict',
  });
  expect(await errorOf(put(holder.token, `${path}?fence=${lease.fence - 1}`))).toMatchObject({
    status: 409,
    where: 'fence',
    allowed: String(lease.fence),
  });
  expect(
    await errorOf(put(holder.token, `jobs/${job.id}/checkpoints/${lease.round + 1}?fence=${lease.fence}`)),
  ).toMatchObject({ status: 409 });
  expect(
    await errorOf(put(holder.token, `jobs/${job.id}/artifacts/model.safetensors?fence=${lease.fence}`)),
  ).toMatchObject({ status: 409 });
  expect(await errorOf(put(holder.token, path))).toMatchObject({ status: 400, where: 'query.fence' });
  const tooLarge = new Uint8Array(uploadLimits(parseManifest(job.manifest)).checkpointBytes + 1);
  expect(await errorOf(put(holder.token, `${path}?fence=${lease.fence}`, tooLarge))).toMatchObject({
    status: 413,
    code: 'message_too_large',
  });
  expect(await errorOf(request(path))).toMatchObject({ status: 404 });

  expect((await put(holder.token, `${path}?fence=${lease.fence}`)).status).toBe(201);
  const traffic = {
    fence: lease.fence,
    round: lease.round,
    stateHash: holder.states.get(lease.round)!,
    bytes: 5,
    evaluation: null,
  };
  holder.say({ type: 'uploaded', kind: 'checkpoint', ...traffic });
  await other.next('checkpointed');
  expect(await contentOf(await request(path))).toBe('state');
  expect(await errorOf(put(holder.token, `${path}?fence=${lease.fence}`))).toMatchObject({ status: 409 });
});

test('an upload that began under a lease counts for nothing when that is over', async () => {
  const job = await submit({ runtime: { maxTokens: 100_000_000, checkpointInterval: '1ms' } });
  const workers = await Promise.all([0, 1].map(() => ProtocolWorker.join(job.id, { uploads: false })));
  const holder = await until(() => workers.find((worker) => worker.heard('lease').length > 0) ?? null, 'a lease');
  const { lease } = holder.heard('lease')[0]!;
  const path = `jobs/${job.id}/checkpoints/${lease.round}?fence=${lease.fence}`;
  const begin = () => slowly((body) => asWorker(holder.token, path, 'PUT', body));
  const [late, lost] = [await begin(), await begin()];
  expect((await asWorker(holder.token, path, 'PUT', 'state')).status).toBe(201);
  const said = { fence: lease.fence, round: lease.round, stateHash: holder.states.get(lease.round)!, bytes: 5 };
  holder.say({ type: 'uploaded', kind: 'checkpoint', ...said, evaluation: null });
  await holder.next('checkpointed');
  expect(await errorOf(late.end('other'))).toMatchObject({ status: 409, code: 'conflict' });
  holder.drop();
  expect(await errorOf(lost.end('other'))).toMatchObject({ status: 409, code: 'conflict' });
  expect(await contentOf(await request(`jobs/${job.id}/checkpoints/${lease.round}`))).toBe('state');
  const { objects } = await env.STORE.list({ prefix: `jobs/${job.id}/checkpoint/${lease.fence}/` });
  expect(objects).toHaveLength(1);
  await asOwner(`jobs/${job.id}/cancel`, 'POST');
});

/** Begins to send a body; `end` sends the rest of it. */
async function slowly(send: (body: ReadableStream) => Promise<Response>) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const answer = send(readable);
  const writer = writable.getWriter();
  await writer.write(utf8('begun ')); // taken by the route, which has its permit by then
  const end = async (rest: string): Promise<Response> => {
    await writer.write(utf8(rest));
    await writer.close();
    return answer;
  };
  return { end };
}

test('a finished job leaves its artifact and drops the rest', async () => {
  const job = await submit({ runtime: storeCheckpointsAlways });
  const workers = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  await until(async () => (await get<JobView>(`jobs/${job.id}`)).state === 'completed', 'the job to complete');
  const { artifacts } = await get<{ artifacts: unknown }>(`jobs/${job.id}/artifacts`);
  const content = `artifact of ${workers[0]!.state}`;
  expect(artifacts).toEqual([{ name: 'model.safetensors', bytes: content.length }]);
  expect(await contentOf(await request(`jobs/${job.id}/artifacts/model.safetensors`))).toBe(content);
  expect(await errorOf(request(`jobs/${job.id}/artifacts/config.json`))).toMatchObject({ status: 404 });
  expect(await errorOf(request(`jobs/${job.id}/artifacts/..%2Fsecret`))).toMatchObject({ status: 400 });
  await until(async () => {
    const { objects } = await env.STORE.list({ prefix: `jobs/${job.id}/` });
    return objects.length <= 2 && objects.some(({ key }) => key.endsWith('model.safetensors'));
  }, 'old checkpoints to be dropped');
});

test('the relay takes committed contributions of members, and forgets them when the job ends', async () => {
  const job = await submit({ runtime: { maxTokens: 6_144 } });
  const payload = 'a contribution';
  const hash = sha256Hex(utf8(payload));
  const [giver, taker] = await Promise.all([
    ProtocolWorker.join(job.id, { trains: ({ round }) => round > 0 }),
    ProtocolWorker.join(job.id, { trains: ({ round }) => round > 0 }),
  ]);
  await giver.next('assign');
  const path = `jobs/${job.id}/relay/${hash}`;
  expect(await errorOf(asWorker(giver.token, path, 'PUT', payload))).toMatchObject({ status: 403, where: 'hash' });
  giver.commit(0, hash);
  await taker.next('committed');
  const stranger = await register();
  expect(await errorOf(asWorker(stranger.token, path, 'PUT', payload))).toMatchObject({ status: 403 });
  expect(await errorOf(asWorker(giver.token, path, 'PUT', 'something else'))).toMatchObject({
    status: 400,
    allowed: hash,
  });
  expect(await errorOf(request(path))).toMatchObject({ status: 404 });
  expect((await asWorker(giver.token, path, 'PUT', payload)).status).toBe(201);
  expect(await contentOf(await request(path))).toBe(payload);
  taker.commit(0, payloadOf(taker.id, 0));
  await until(async () => (await get<JobView>(`jobs/${job.id}`)).state === 'completed', 'the job to complete');
  await until(async () => (await request(path)).status === 404, 'the relay to be emptied');
  expect(await errorOf(asWorker(giver.token, path, 'PUT', payload))).toMatchObject({ status: 409 });
});

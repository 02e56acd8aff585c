// A worker whose machine slept: the room has long gone on when it wakes, with its old state and an old contribution in hand.

import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import type { JobView } from '../../shared/api/schemas.ts';
import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { asOwner, env, get, migrate, submit, until } from './api.ts';
import { payloadOf } from '../../shared/protocol/testing/chain.ts';
import { ProtocolWorker } from './protocol-worker.ts';

beforeAll(migrate);

/** As if ten minutes had passed without a word from this worker: the room closes its socket. */
async function fallAsleep(jobId: string, sleeper: ProtocolWorker): Promise<void> {
  const stub = env.ROOMS.get(env.ROOMS.idFromName(jobId));
  await runInDurableObject(stub, (_, state) => {
    for (const socket of state.getWebSockets()) {
      const session = socket.deserializeAttachment() as { workerId: string | null; seenAt: number };
      if (session.workerId === sleeper.id) socket.serializeAttachment({ ...session, seenAt: session.seenAt - 600_000 });
    }
  });
  await runDurableObjectAlarm(stub);
  expect((await until(() => sleeper.closed, 'the room to give it up')).code).toBe(4408);
}

test('it is resynced from the checkpoint, its old work counts for nothing, and nothing counts twice', async () => {
  const job = await submit({ runtime: { maxTokens: 100_000_000, checkpointInterval: '1ms' } });
  const awake = await Promise.all([ProtocolWorker.join(job.id), ProtocolWorker.join(job.id)]);
  let sleepsIn = -1;
  const sleeper = await ProtocolWorker.join(job.id, { trains: ({ round }) => round !== sleepsIn });
  await until(() => sleeper.round >= 1, 'its first round');
  sleepsIn = sleeper.round + 1;
  await until(
    () => sleeper.heard('assign').some(({ assignment }) => assignment.round === sleepsIn),
    'its last assignment',
  );
  await fallAsleep(job.id, sleeper);
  await until(
    () => awake[0]!.heard('checkpointed').some(({ checkpoint }) => checkpoint.round > sleepsIn),
    'a checkpoint',
  );

  await sleeper.connect();
  sleeper.commit(sleepsIn, payloadOf(sleeper.id, sleepsIn)); // what it was about to say when it fell asleep
  const welcome = await sleeper.next('welcome', 1);
  expect(welcome.checkpoint!.round).toBeGreaterThan(sleepsIn);
  const isBack = (): boolean =>
    awake[0]!
      .heard('close')
      .some(({ closed: { round, accepted } }) => round >= welcome.round && accepted.some(isItsOwn));
  const isItsOwn = ({ workerId }: { workerId: string }): boolean => workerId === sleeper.id;
  await until(isBack, 'its work to be accepted again');
  await asOwner(`jobs/${job.id}/cancel`, 'POST');

  const { events } = await get<{ events: LedgerEvent[] }>(
    `ledger/events?subject=${job.id}&type=round.closed&limit=1000`,
  );
  const accepted = events.flatMap(({ data }) => ('accepted' in data ? data.accepted : []));
  expect(new Set(accepted.map(({ hash }) => hash)).size).toBe(accepted.length);
  expect(accepted.map(({ hash }) => hash)).not.toContain(payloadOf(sleeper.id, sleepsIn));
  const { tokens, workers } = await get<JobView>(`jobs/${job.id}`);
  expect(tokens).toBe(accepted.reduce((sum, contribution) => sum + contribution.tokens, 0));
  expect(workers.reduce((sum, { tokensAccepted }) => sum + tokensAccepted, 0)).toBe(tokens);
  const { stateHashes } = await get<{ stateHashes: string[] }>(`jobs/${job.id}/metrics`);
  const held = [...sleeper.states].filter(([round]) => round > 0 && round <= stateHashes.length);
  expect(held.map(([, state]) => state)).toEqual(held.map(([round]) => stateHashes[round - 1]));
});

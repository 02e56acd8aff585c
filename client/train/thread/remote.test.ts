import { expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/bytes.ts';
import { RemoteTrainer } from './remote.ts';
import { assignmentOf, openSmall, smallJob } from '../testing/small-job.ts';
import { spawnTrainer } from './thread.node.ts';

test('a trainer in a worker thread does what one in this thread does, and its errors keep their codes', async () => {
  const [here, there] = [await openSmall(), spawnTrainer()];
  await expect(there.open({ ...smallJob(), data: new Uint8Array(3) })).rejects.toMatchObject({
    code: 'data_unavailable',
    where: 'spec.data.source',
  });
  const report = await there.open(smallJob());
  expect(report).toMatchObject({ kind: 'cpu', ...(await here.state()) });
  expect(report.tokensPerSecond).toBeGreaterThan(0);
  const steps: number[] = [];
  const contribution = await there.train(assignmentOf(), ({ step }) => void steps.push(step));
  expect(contribution.hash).toBe((await here.train(assignmentOf(), () => {})).hash);
  expect(sha256Hex(contribution.payload)).toBe(contribution.hash);
  expect(steps.at(-1)).toBe(10);
  expect(await there.apply(0, [contribution])).toEqual(await here.apply(0, [contribution]));
  expect(await there.restore(await here.checkpoint())).toEqual(await here.state());
  await there.close();
  await expect(there.state()).rejects.toMatchObject({ code: 'unavailable' });
});

test('interrupt reaches a thread that is busy training', async () => {
  const trainer = spawnTrainer();
  await trainer.open(smallJob());
  const running = trainer.train(assignmentOf({ steps: 10_000 }), () => void trainer.interrupt());
  await expect(running).rejects.toMatchObject({ code: 'conflict' });
  await trainer.close();
});

test('a thread that ends fails the calls that wait for it', async () => {
  const { port1, port2 } = new MessageChannel(); // nobody answers
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const trainer = new RemoteTrainer({ endpoint: port1, ended, terminate: () => port1.close() });
  const waiting = trainer.state();
  end('out of memory');
  const failure = { code: 'unavailable', message: 'the training thread ended: out of memory' };
  await expect(waiting).rejects.toMatchObject(failure);
  await expect(trainer.checkpoint()).rejects.toMatchObject(failure);
  await trainer.close();
  port2.close();
});

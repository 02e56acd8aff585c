// Streaming fragments in the trainer: one agreed state for all, whatever a worker keeps for itself.

import { expect, test } from 'vitest';
import type { Compression } from '../../shared/manifest/compression.ts';
import { assignmentOf, openSmall, smallJob } from './testing/small-job.ts';
import type { Contribution, Trainer } from './trainer.ts';

const model = { kind: 'gpt' as const, layers: 4, heads: 2, width: 16, context: 16 };
const sgd = { kind: 'sgd' as const, learningRate: 0.5, warmup: 0, decay: 0 };

function open(compression: Compression, fragments: number, overlap = false): Promise<Trainer> {
  return openSmall(
    smallJob({ model, optimizer: sgd, rounds: { compression, fragments, outerMomentum: 0.5, overlap } }),
  );
}

function train(trainer: Trainer, round: number, seed: number): Promise<Contribution> {
  return trainer.train(assignmentOf({ round, seed, steps: 3 }), () => {});
}

async function parametersOf(trainer: Trainer): Promise<Float32Array> {
  const bytes = await trainer.checkpoint();
  const headerBytes = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)); // safetensors
  return new Float32Array(bytes.slice(headerBytes).buffer);
}

test.each<Compression>(['none', 'int8', 'sign', 'topk', 'dct', 'low-rank'])(
  '%j: workers agree in every round, and one that replays the log from a checkpoint with them',
  async (compression) => {
    const [a, b, late] = await Promise.all([1, 2, 3].map(() => open(compression, 4)));
    const log: Contribution[][] = [];
    let checkpoint = await a!.checkpoint();
    const count = (await parametersOf(a!)).length; // the outer momentum follows them later
    for (let round = 0; round < 6; round++) {
      if (round === 3) checkpoint = await a!.checkpoint();
      const sent = [await train(a!, round, 2 * round), await train(b!, round, 2 * round + 1)];
      const before = await parametersOf(a!);
      const applied = [await a!.apply(round, sent), await b!.apply(round, sent)];
      expect(applied[1]).toEqual(applied[0]);
      expect(applied[0]!.refused).toBe(0);
      const after = await parametersOf(a!);
      const changed = after.subarray(0, count).filter((value, i) => value !== before[i]);
      expect(changed.length).toBeLessThan(count / 2); // the rest is as it was
      log.push(sent);
    }
    await late!.restore(checkpoint);
    for (let round = 3; round < 6; round++) await late!.apply(round, log[round]!);
    expect(await late!.state()).toEqual(await a!.state());
  },
);

test('the largest payload of four fragments is less than half of the whole', async () => {
  const whole = (await train(await open('int8', 1), 0, 1)).payload.length;
  const trainer = await open('int8', 4);
  const sizes: number[] = [];
  for (let round = 0; round < 4; round++) {
    const sent = await train(trainer, round, round);
    sizes.push(sent.payload.length);
    await trainer.apply(round, [sent]);
  }
  expect(Math.max(...sizes)).toBeLessThan(whole / 2);
  expect(Math.abs(sizes.reduce((a, b) => a + b) / whole - 1)).toBeLessThan(0.05);
});

test('what a worker trained of the other fragments goes on from round to round, until the state is replaced', async () => {
  const [alone, fresh] = [await open('none', 4), await open('none', 4)];
  const first = await train(alone, 0, 1);
  expect((await train(alone, 0, 1)).hash).toBe(first.hash); // a round trained twice begins with the same
  await alone.apply(0, [first]);
  await fresh.apply(0, [first]);
  const [own, agreed] = [await train(alone, 1, 2), await train(fresh, 1, 2)];
  expect(own.hash).not.toBe(agreed.hash); // fragment 1 has the steps of both rounds in it
  await alone.restore(await fresh.checkpoint());
  expect((await train(alone, 1, 2)).hash).toBe(agreed.hash);
});

test('overlapping: training for the next fragment begins before the round closes, also while it does, and keeps what it gained', async () => {
  const [a, b] = [await open('none', 4, true), await open('none', 4, true)];
  const first = await train(a, 0, 1);
  const ahead = await train(a, 1, 2); // from its own parameters of all fragments
  await a.apply(0, [first]);
  await b.apply(0, [first]);
  expect(ahead.hash).not.toBe((await train(b, 1, 2)).hash);
  const beside = train(a, 2, 3);
  expect(await a.apply(1, [ahead])).toEqual(await b.apply(1, [ahead]));
  const third = await beside; // began on the state of round 1, of which fragment 2 is that of round 2
  expect(await a.apply(2, [third])).toEqual(await b.apply(2, [third]));
  await expect(train(a, 5, 4)).rejects.toMatchObject({ code: 'conflict' }); // two rounds early
  await a.apply(3, [await train(b, 3, 4)]); // one that we took no part in
  const whole = await open('none', 1);
  await expect(train(whole, 1, 2)).rejects.toMatchObject({ code: 'conflict' });
});

test('overlapping: where one worker is the whole swarm, applying its work changes nothing of what it has', async () => {
  const alone = await open('none', 2, true);
  const exact = await openSmall(smallJob({ model, optimizer: sgd, rounds: { compression: 'none' } }));
  const zero = await train(alone, 0, 1);
  const one = await train(alone, 1, 2);
  await alone.apply(0, [zero]);
  await alone.apply(1, [one]);
  const inTurn = [await train(exact, 0, 1)];
  await exact.apply(0, inTurn);
  inTurn.push(await train(exact, 1, 2));
  expect(one.loss).toBeCloseTo(inTurn[1]!.loss, 5); // the second piece of work goes on from all of the first
});

test('a group folds what its members made of a fragment', async () => {
  const [a, b] = [await open('topk', 2), await open('topk', 2)];
  const inputs = [await train(a, 0, 1), await train(b, 0, 2)].map(({ payload, tokens }) => ({ payload, tokens }));
  const folded = await a.fold(0, inputs);
  expect(await b.fold(0, inputs)).toEqual(folded);
  const whole = { payload: folded.payload, tokens: 2 * inputs[0]!.tokens, folds: 2 };
  expect((await a.apply(0, [whole])).refused).toBe(0);
});

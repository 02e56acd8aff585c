// What a group makes of its members' payloads: the same bytes on every worker, nearly all that they said, and nothing said twice.

import { expect, test } from 'vitest';
import type { Compression } from '../../shared/manifest/compression.ts';
import { assignmentOf, openSmall, smallJob } from './testing/small-job.ts';
import type { Contribution, Trainer, WeighedPayload } from './trainer.ts';

const sgd = { kind: 'sgd' as const, learningRate: 0.5, warmup: 0, decay: 0 };

function open(compression: Compression): Promise<Trainer> {
  return openSmall(smallJob({ optimizer: sgd, rounds: { compression } }));
}

function train(trainer: Trainer, seed: number, round = 0): Promise<Contribution> {
  return trainer.train(assignmentOf({ round, seed, steps: 4 }), () => {});
}

async function parametersAfter(trainer: Trainer, contributions: WeighedPayload[]): Promise<Float32Array> {
  await trainer.restore(null);
  await trainer.apply(0, contributions);
  const bytes = await trainer.checkpoint();
  const headerBytes = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)); // safetensors
  return new Float32Array(bytes.slice(headerBytes).buffer);
}

function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));
}

test.each<Compression>(['none', 'int8', 'sign', 'topk', 'dct', 'low-rank'])(
  '%j: two workers make the same bytes, which move the state as their members would',
  async (compression) => {
    const [a, b] = [await open(compression), await open(compression)];
    const inputs = [await train(a, 1), await train(a, 2), await train(b, 3)].map(({ payload, tokens }) => ({
      payload,
      tokens,
    }));
    const [ours, theirs] = [await a.fold(0, inputs), await b.fold(0, inputs)];
    expect(ours).toEqual(theirs);
    const tokens = inputs.reduce((sum, input) => sum + input.tokens, 0);
    const untouched = await parametersAfter(a, []);
    const apart = await parametersAfter(a, inputs);
    const folded = await parametersAfter(a, [{ payload: ours.payload, tokens, folds: 3 }]);
    expect(distance(folded, apart)).toBeLessThan(0.02 * distance(untouched, apart));
  },
);

test.each<Compression>(['none', 'int8'])(
  '%j: sums of segments joined have the bytes of a fold',
  async (compression) => {
    const [a, b] = [await open(compression), await open(compression)];
    const cut = (trainer: Trainer, seed: number): Promise<Contribution> =>
      trainer.train(assignmentOf({ seed, steps: 4, segments: 3 }), () => {});
    const trained = [await cut(a, 1), await cut(a, 2), await cut(b, 3)].map((one, i) => ({
      ...one,
      tokens: 100 + 40 * i,
    }));
    const sums = [];
    for (const segment of [0, 1, 2]) {
      const pieces = trained.map(({ pieces: cuts, tokens }) => ({ payload: cuts![segment]!.payload, tokens }));
      const [ours, theirs] = [await a.sum(0, pieces, segment, 3), await b.sum(0, pieces, segment, 3)];
      expect(ours).toEqual(theirs);
      sums.push(ours.payload);
    }
    const folded = await a.fold(
      0,
      trained.map(({ payload, tokens }) => ({ payload, tokens })),
    );
    expect(await b.join(0, sums, 3)).toEqual(folded);
    await expect(b.join(0, [sums[0]!, sums[1]!, sums[1]!], 3)).rejects.toMatchObject({ code: 'invalid_frame' });
  },
);

test('what is inside a folded payload is not held back for the next round', async () => {
  const [counted, forgotten] = [await open('topk'), await open('topk')];
  const [own, same] = [await train(counted, 1), await train(forgotten, 1)];
  expect(own.hash).toBe(same.hash);
  const other = await train(await open('topk'), 2);
  const inputs = [own, other].map(({ payload, tokens }) => ({ payload, tokens }));
  const { payload } = await counted.fold(0, inputs);
  const folded = [{ payload, tokens: own.tokens + other.tokens, folds: 2 }];
  await counted.apply(0, folded, [own.payload]);
  await forgotten.apply(0, folded);
  expect((await train(counted, 5, 1)).hash).not.toBe((await train(forgotten, 5, 1)).hash);
});

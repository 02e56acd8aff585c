import { expect, test } from 'vitest';
import { codecFor } from '../exchange/codec/codec.ts';
import { assignmentOf, openSmall, smallJob } from './testing/small-job.ts';
import type { Contribution, Trainer } from './trainer.ts';

const density = 1 / 64;
const codec = codecFor({ kind: 'topk', density, bits: 1 }, []);

/** SGD, so that nothing but the residual stays with the worker from round to round. */
function openSparse(errorFeedback = 1): Promise<Trainer> {
  const compression = { kind: 'topk' as const, density, errorFeedback };
  const optimizer = { kind: 'sgd' as const, learningRate: 0.5, warmup: 0, decay: 0 };
  return openSmall(smallJob({ optimizer, rounds: { compression } }));
}

function train(trainer: Trainer, round: number, seed = 3): Promise<Contribution> {
  return trainer.train(assignmentOf({ round, seed, steps: 4 }), () => {});
}

function decoded({ payload }: Contribution): Float32Array {
  return codec.decode(payload, 8064); // the plan's flat vector, padding included
}

test('workers agree on what sparse contributions make of the state', async () => {
  const trainers = [await openSparse(), await openSparse()];
  for (let round = 0; round < 3; round++) {
    const sent = [await train(trainers[0]!, round, 2 * round), await train(trainers[1]!, round, 2 * round + 1)];
    const [a, b] = [await trainers[0]!.apply(round, sent), await trainers[1]!.apply(round, sent)];
    expect(a).toEqual(b);
    expect(a.refused).toBe(0);
  }
});

test('a contribution that was not accepted comes whole with the next one; a restored state begins with nothing held back', async () => {
  const trainer = await openSparse();
  const first = await train(trainer, 0);
  await trainer.apply(0, []);
  const second = await train(trainer, 1); // from the same state on the same batches: the same difference once more
  expect(decoded(second)).toEqual(decoded(first).map((value) => 2 * value));
  await trainer.restore(null);
  expect((await train(trainer, 0)).hash).toBe(first.hash);
});

test('of an accepted contribution only what its payload left out comes again', async () => {
  const [forgetful, trainer] = [await openSparse(0), await openSparse()];
  const first = await train(trainer, 0);
  await trainer.apply(0, [first]);
  await forgetful.apply(0, [first]);
  const [withResidual, without] = [decoded(await train(trainer, 1)), decoded(await train(forgetful, 1))];
  expect(withResidual).not.toEqual(without);
  const again = (values: Float32Array): number =>
    values.filter((value, i) => value !== 0 && decoded(first)[i] !== 0).length;
  expect(again(withResidual)).toBeLessThan(again(without));
});

import { expect, test } from 'vitest';
import { expectClose } from '../../../kernels/testing/check.ts';
import { utf8 } from '../../../shared/bytes.ts';
import { readSafetensors } from '../../models/files/safetensors.ts';
import type { OnProgress } from '../algorithm.ts';
import { assignmentOf, openSmall, smallJob } from '../testing/small-job.ts';

const text = utf8('There she blows! A hump like a snow-hill! It is Moby Dick! '.repeat(40));

async function trained(batchSize: number, accumulate: number, onProgress: OnProgress = () => {}) {
  const optimizer = { kind: 'sgd', learningRate: 0.1, batchSize, accumulate } as const;
  const trainer = await openSmall(smallJob({ optimizer, rounds: { compression: 'none' } }, text));
  const contribution = await trainer.train(assignmentOf({ steps: 5, learningRate: 0.1 }), onProgress);
  await trainer.apply(0, [contribution]);
  const { tensors } = readSafetensors(await trainer.checkpoint());
  return { ...contribution, values: tensors.flatMap(({ data }) => [...data]) };
}

test('three batches of 2 windows make the steps of one batch of 6', async () => {
  const steps: number[] = [];
  const [whole, parts] = [await trained(6, 1), await trained(2, 3, ({ step }) => steps.push(step))];
  expect(parts.tokens).toBe(whole.tokens);
  expect(parts.loss).toBeCloseTo(whole.loss, 5);
  expectClose(parts.values, whole.values, 1e-6, 'parameters');
  expect(steps.at(-1)).toBe(5);
});

import { expect, test } from 'vitest';
import { assignmentOf, openSmall, smallJob } from '../testing/small-job.ts';

const optimizer = { kind: 'adamw', learningRate: 0.03, batchSize: 4 } as const;

test('every option at once: Muon, accumulation, dropout, recomputation, a quantized adapter', async () => {
  const all = { kind: 'muon', learningRate: 0.03, batchSize: 4, accumulate: 2, dropout: 0.05 } as const;
  const runtime = { maxTokens: 1_000_000, recompute: true };
  const trainer = await openSmall(smallJob({ optimizer: all, runtime, adapter: { rank: 4, quantize: 'nf4' } }));
  const assignment = assignmentOf({ steps: 30, learningRate: 0.03, evaluate: true });
  const first = await trainer.train(assignment, () => {});
  await trainer.apply(0, [first]);
  const second = await trainer.train({ ...assignment, round: 1, steps: 1 }, () => {});
  expect(second.validation!.loss).toBeLessThan(first.validation!.loss - 0.5);
});

test.each(['none', 'nf4', 'int8'] as const)(
  'a job trains an adapter over frozen weights (%s), and exchanges only it',
  async (quantize) => {
    const whole = await openSmall(smallJob({ optimizer }));
    const trainer = await openSmall(smallJob({ optimizer, adapter: { rank: 4, alpha: 8, quantize } }));
    const assignment = assignmentOf({ steps: 60, learningRate: 0.03, evaluate: true });
    const first = await trainer.train(assignment, () => {});
    const all = await whole.train({ ...assignment, steps: 1 }, () => {});
    expect(first.payload.length).toBeLessThan(all.payload.length / 2);
    expect(Math.abs(first.validation!.loss - all.validation!.loss)).toBeLessThan(quantize === 'none' ? 1e-5 : 0.1);
    await trainer.apply(0, [first]);
    const second = await trainer.train({ ...assignment, round: 1, steps: 1 }, () => {});
    expect(second.validation!.loss).toBeLessThan(first.validation!.loss - 0.5);
    const { files, evaluation } = await trainer.artifact();
    expect(files.map(({ name }) => name)).toContain('adapter_model.safetensors');
    expect(evaluation.loss).toBeLessThan(first.validation!.loss - 0.5);
  },
);

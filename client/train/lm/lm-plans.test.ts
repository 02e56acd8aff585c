import { expect, test } from 'vitest';
import { openCpu } from '../../../kernels/device/cpu.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import { modelSchema } from '../../../shared/manifest/model.ts';
import { createRandom } from '../../../shared/random.ts';
import { openModel } from '../../models/open-model.ts';
import { lmPlans } from './lm-plans.ts';
import type { StepSettings } from './lm-plans.ts';
import { assignmentOf, openSmall, smallJob } from '../testing/small-job.ts';

const settings: StepSettings = { kind: 'adamw', batchSize: 2, accumulate: 1 };

async function gradientsOf(plan: Plan) {
  const program = await openCpu().compile(plan);
  const random = createRandom(4);
  program.writeParameters(Float32Array.from({ length: plan.parameterCount }, () => random.normal() / 5));
  for (const name of ['tokens', 'targets'])
    program.write(
      name,
      Uint32Array.from({ length: 32 }, () => random.below(256)),
    );
  if (plan.tensors.some(({ name }) => name === 'dropout.seed')) program.write('dropout.seed', Uint32Array.of(7));
  await program.run();
  return { gradients: [...(await program.read('gradients'))], bufferBytes: program.counters.bufferBytes };
}

test.each(['gpt', 'llama'] as const)(
  '%s: recompute gives the same gradients in less memory, dropout too',
  async (kind) => {
    const model = openModel(modelSchema.parse({ kind, layers: 4, heads: 2, width: 16, context: 16 }), null);
    const of = (changes: Partial<StepSettings>) => gradientsOf(lmPlans(model, { ...settings, ...changes }).training);
    const [plain, again] = [await of({}), await of({ recompute: true })];
    expect(again.gradients).toEqual(plain.gradients);
    expect(again.bufferBytes).toBeLessThan(plain.bufferBytes);
    const [dropped, droppedAgain] = [await of({ dropout: 0.2 }), await of({ dropout: 0.2, recompute: true })];
    expect(dropped.gradients).not.toEqual(plain.gradients);
    expect(droppedAgain.gradients).toEqual(dropped.gradients);
  },
);

test('a large vocabulary is never held as logits', () => {
  const model = openModel(modelSchema.parse({ kind: 'gpt', layers: 1, heads: 1, width: 8, context: 1024 }), null);
  const shape = { ...model.shape, vocabulary: 50_257 };
  const { training, evaluation } = lmPlans({ shape, window: 1024 }, { ...settings, batchSize: 8 });
  for (const plan of [training, evaluation]) {
    const largest = Math.max(
      ...plan.tensors.filter(({ role }) => role === 'temporary').map(({ shape: s }) => s[0]! * (s[1] ?? 1)),
    );
    expect(largest).toBeLessThan(2 ** 24);
    expect(plan.ops.some(({ kernel }) => kernel.name === 'headLoss')).toBe(true);
  }
});

test('a job with dropout and recomputation learns, and its evaluation drops nothing', async () => {
  const trained = async (dropout: number) => {
    const optimizer = { kind: 'adamw', learningRate: 0.01, batchSize: 4, dropout } as const;
    const trainer = await openSmall(smallJob({ optimizer, runtime: { maxTokens: 1_000_000, recompute: true } }));
    const first = await trainer.train(assignmentOf({ steps: 60, evaluate: true }), () => {});
    await trainer.apply(0, [first]);
    const second = await trainer.train(assignmentOf({ round: 1, steps: 1, evaluate: true }), () => {});
    return { before: first.validation!.loss, after: second.validation!.loss, seen: first.loss };
  };
  const [without, dropped] = [await trained(0), await trained(0.1)];
  expect(dropped.before).toBe(without.before);
  expect(dropped.seen).toBeGreaterThan(without.seen);
  expect(dropped.after).toBeLessThan(2.5);
});

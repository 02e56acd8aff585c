import { expect, test } from 'vitest';
import { openCpu } from '../../../kernels/device/cpu.ts';
import { openModel } from '../../models/open-model.ts';
import { lmPlans } from './lm-plans.ts';
import { assignmentOf, openSmall, smallJob } from '../testing/small-job.ts';

test('Muon learns a small job, and keeps no second moment of the matrices', async () => {
  const job = smallJob({ optimizer: { kind: 'muon', learningRate: 0.01, batchSize: 4 } });
  const trainer = await openSmall(job);
  const trained = await trainer.train(assignmentOf({ steps: 60 }), () => {});
  await trainer.apply(0, [trained]);
  const next = await trainer.train(assignmentOf({ round: 1, steps: 1, evaluate: true }), () => {});
  expect(next.validation!.loss).toBeLessThan(2.5);

  const { model, optimizer } = job.manifest.spec;
  const { training } = lmPlans(openModel(model, null), optimizer);
  const states = (await openCpu().compile(training)).plan.tensors.filter(({ role }) => role === 'state');
  const momenta = states.filter(({ name }) => name.endsWith('momenta')).map(({ shape }) => shape);
  expect(momenta).toEqual([
    [1, 16, 48],
    [1, 16, 16],
    [2, 16, 64], // c_fc, and c_proj transposed
  ]);
  const rest = states.find(({ name }) => name === 'muon.rest.variances')!;
  expect(rest.shape).toEqual([training.parameterCount - 16 * (48 + 16 + 2 * 64)]);
});

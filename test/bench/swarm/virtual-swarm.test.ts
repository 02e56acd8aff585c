import { expect, test } from 'vitest';
import type { Contribution } from '../../../client/train/trainer.ts';
import { assignmentOf, openSmall, smallJob } from '../../../client/train/testing/small-job.ts';
import { stateHash } from '../../../shared/rounds/state.ts';
import { learningRateAt, slotSeed } from '../../../shared/rounds/pace/schedule.ts';
import { runVirtualJob } from './virtual-swarm.ts';

const rounds = { innerSteps: 4, outerMomentum: 0.5 };
const cases = [
  { kind: 'adamw' as const, compression: { kind: 'low-rank' as const, rank: 2 } },
  { kind: 'muon' as const, compression: { kind: 'topk' as const, density: 1 / 64, errorFeedback: 0.9 } },
  { kind: 'adamw' as const, compression: 'sign' as const, fragments: 2 },
  { kind: 'adamw' as const, compression: 'sign' as const, fragments: 2, overlap: true },
  { kind: 'sign' as const, compression: 'dct' as const, exchange: 'gradients' as const },
];
const tokensPerRound = 2 * 4 * 4 * 16; // two workers, four steps of 4 windows of 16 tokens

test.each(cases)(
  'virtual workers come to the same bits as real trainers that apply what they send, %j',
  async (used) => {
    const usual = { fragments: 1, overlap: false, exchange: 'differences' as const };
    const { kind, compression, fragments, overlap, exchange } = { ...usual, ...used };
    const job = smallJob({
      model: { kind: 'gpt', layers: fragments, heads: 2, width: 16, context: 16 },
      optimizer: { kind, learningRate: 0.01, batchSize: 4 },
      rounds: { ...rounds, compression, fragments, overlap, exchange },
      runtime: { maxTokens: 3 * tokensPerRound },
    });
    const virtual = await runVirtualJob({ ...job, workers: 2 });
    expect(virtual).toMatchObject({ rounds: 3, tokens: 3 * tokensPerRound });
    const trainers = [await openSmall(job), await openSmall(job)];
    const { optimizer, seed } = job.manifest.spec;
    const rateOf = (round: number): number => learningRateAt(optimizer, (round + 0.5) / 3);
    const open: Contribution[][] = [];
    const close = async (sent: Contribution[]): Promise<void> => {
      const { round } = sent[0]!;
      for (const trainer of trainers) await trainer.apply(round, sent, [], rateOf(round));
    };
    for (let round = 0; round < 3; round++) {
      const learningRate = rateOf(round);
      const sent = [];
      for (const [slot, trainer] of trainers.entries()) {
        const assignment = { round, slot, seed: slotSeed(seed, round, slot), steps: 4, learningRate };
        sent.push(await trainer.train(assignmentOf(assignment), () => {}));
      }
      open.push(sent);
      if (open.length > Number(overlap)) await close(open.shift()!);
    }
    for (const sent of open) await close(sent);
    expect((await trainers[0]!.state()).stateHash).toBe(stateHash(virtual.state));
  },
);

test('the controls: one worker without exchange, and measurements on the way', async () => {
  const job = smallJob({ rounds: { innerSteps: 2, compression: 'none' }, runtime: { maxTokens: 8 * 64 } });
  const losses: number[] = [];
  const onValidation = (_: number, loss: number) => losses.push(loss);
  const result = await runVirtualJob({ ...job, workers: 1, evaluateEvery: 2, onValidation });
  expect(result).toMatchObject({ rounds: 4, tokens: 512 });
  expect(losses).toHaveLength(2);
  expect(result.evaluation.loss).toBeLessThan(losses[0]!);
});

test('with staleness all train from an older state, and what they send moves the next one less', async () => {
  const lossAt = async (staleness: number): Promise<number> => {
    const job = smallJob({ rounds: { innerSteps: 4, staleness }, runtime: { maxTokens: 6 * tokensPerRound } });
    return (await runVirtualJob({ ...job, workers: 2 })).evaluation.loss;
  };
  const [fresh, late, later] = [await lossAt(0), await lossAt(1), await lossAt(2)];
  expect(late).toBeGreaterThan(fresh);
  expect(later).toBeGreaterThan(late);
});

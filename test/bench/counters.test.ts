// Holds what a training step of a 12-layer GPT costs a GPU in calls, from the plan alone: no device is needed.

import { expect, test } from 'vitest';
import { lmPlans } from '../../client/train/lm-plans.ts';
import type { DeviceTraits, Tensor } from '../../kernels/plan/op.ts';

const gpu: DeviceTraits = {
  isCpu: false,
  maxBindingBytes: 2 ** 27,
  maxWorkgroups: 65535,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  features: new Set(),
};

/** How often each kernel of a plan is dispatched. */
function countDispatches(layers: number): Record<string, number> {
  const model = { kind: 'gpt', layers, heads: 12, width: 768, context: 256, tokenizer: 'bytes' } as const;
  const variants = { positions: 'learned', norm: 'layer' } as const;
  const { training } = lmPlans({ model: { ...model, ...variants }, optimizer: { kind: 'adamw', batchSize: 8 } });
  const counts: Record<string, number> = {};
  const scratch = (name: string, elements: number): Tensor => ({
    id: -1,
    name,
    shape: [elements],
    dtype: 'f32',
    role: 'temporary',
    offset: 0,
  });
  for (const op of training.ops) {
    for (const { label } of op.kernel.dispatches(op, gpu, scratch)) counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

test('dispatches of a 12-layer training step', () => {
  const counts = countDispatches(12);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  console.log(`12 layers: ${total} dispatches`, counts);
  expect(total).toBeLessThanOrEqual(290);
  expect(Object.keys(counts).filter((label) => /^(sum|gelu|column-sum)\./.test(label))).toEqual([]);
});

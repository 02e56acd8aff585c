// Holds what a training step of a 12-layer GPT costs in calls.

import { expect, test } from 'vitest';
import type { DeviceTraits, Tensor } from '../../kernels/plan/op.ts';
import type { Plan } from '../../kernels/plan/plan.ts';
import { testDevices } from '../../kernels/testing/devices.ts';
import type { LlamaShape } from '../../client/models/llama.ts';
import { countersOfStep, trainingPlan, trainingPlanOf } from './ours.ts';
import { trainTask } from './rows.ts';

const gpu: DeviceTraits = {
  isCpu: false,
  maxBindingBytes: 2 ** 27,
  maxWorkgroups: 65535,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  features: new Set(),
};

/** How often a plan dispatches each kernel: what a GPU would be given, without one. */
function countDispatches(plan: Plan, traits: DeviceTraits): Record<string, number> {
  const counts: Record<string, number> = {};
  const scratch = (name: string, elements: number): Tensor => ({
    id: -1,
    name,
    shape: [elements],
    dtype: 'f32',
    role: 'temporary',
    offset: 0,
  });
  for (const op of plan.ops) {
    for (const { label } of op.kernel.dispatches(op, traits, scratch)) counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

const size = { layers: 12, heads: 12, width: 768, context: 256, batch: 8, vocabulary: 256 };

test('dispatches of a 12-layer training step of a Llama on a GPU', () => {
  const shape: LlamaShape = {
    kind: 'llama',
    ...size,
    kvHeads: 4,
    headSize: 64,
    hidden: 2048,
    rotary: { base: 10_000 },
    epsilon: 1e-6,
    qkvBias: false,
    tied: true,
  };
  const counts = countDispatches(trainingPlanOf(shape, size), gpu);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  console.log(`12 layers of a Llama: ${total} dispatches`, counts);
  expect(total).toBeLessThanOrEqual(168);
  expect(Object.keys(counts).filter((label) => /^(sum|swiglu|rotary)\./.test(label))).toEqual([]);
});

test('dispatches of a 12-layer training step on a GPU', () => {
  const plan = trainingPlan(size);
  const counts = countDispatches(plan, gpu);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  console.log(`12 layers: ${total} dispatches`, counts);
  expect(total).toBeLessThanOrEqual(156);
  expect(Object.keys(counts).filter((label) => /^(sum|gelu|column-sum)\./.test(label))).toEqual([]);
});

test('a step after the first creates nothing and submits at most four times', { timeout: 300_000 }, async () => {
  const task = trainTask({ layers: 12, heads: 2, width: 16, context: 8, batch: 2, vocabulary: 32 });
  for (const device of (await testDevices()).slice(0, 2)) {
    const counters = await countersOfStep(device, task);
    expect(counters).toMatchObject({ buffersCreated: 0, bindGroupsCreated: 0, bytesRead: 4 });
    expect(counters.submits).toBeLessThanOrEqual(4);
    expect(counters.bytesUploaded).toBe(2 * 4 * task.tokens.length);
    expect(counters.bufferBytes).toBeGreaterThan(4 * 4 * 12 * 12 * 16 * 16); // parameters, gradients and moments
  }
});

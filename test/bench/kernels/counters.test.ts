// Holds what a training step of a 12-layer GPT costs in calls.

import { expect, test } from 'vitest';
import { listPlan } from '../../../kernels/plan/dispatches.ts';
import { storeHalves } from '../../../kernels/plan/halves.ts';
import { planMemory } from '../../../kernels/plan/memory.ts';
import type { DeviceTraits, Dispatch } from '../../../kernels/plan/op.ts';
import { bytesOf, elementsOf } from '../../../kernels/plan/op.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import { testDevices } from '../../../kernels/testing/devices.ts';
import { halfGpu, plainGpu as gpu } from '../../../kernels/testing/half-plan.ts';
import type { LlamaShape } from '../../../client/models/llama.ts';
import { countersOfStep, trainingPlan, trainingPlanOf } from './ours.ts';
import { trainTask } from './rows.ts';

/** How often a plan dispatches each kernel: what a GPU would be given, without one. */
function countDispatches(plan: Plan, traits: DeviceTraits): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { label, bindings } of dispatchesOf(plan, traits)) {
    counts[label] = (counts[label] ?? 0) + 1;
    expect(bindings.length, label).toBeLessThanOrEqual(8); // what WebGPU promises everywhere
  }
  return counts;
}

function dispatchesOf(plan: Plan, traits: DeviceTraits): Dispatch[] {
  return listPlan(plan, traits).flatMap(({ dispatches }) => dispatches);
}

/** What temporaries take, and what a step loads and stores at least: each dispatch every tensor that it binds, once. */
function countBytes(plan: Plan, traits: DeviceTraits) {
  const steps = listPlan(plan, traits).map(({ temporaries }) => temporaries);
  const { slots } = planMemory(steps, ({ name }) => plan.readable.has(name));
  const bound = dispatchesOf(plan, traits).flatMap(({ bindings }) => [
    ...new Set(bindings.map(({ tensor }) => tensor)),
  ]);
  const moved = bound.map((tensor) => bytesOf(tensor, elementsOf(tensor.shape)));
  const mebibytes = (bytes: readonly number[]) => Math.round(bytes.reduce((a, b) => a + b, 0) / 2 ** 20);
  return { temporaries: mebibytes(slots), moved: mebibytes(moved) };
}

const size = { layers: 12, heads: 12, width: 768, context: 256, batch: 8, vocabulary: 256 };

const llama: LlamaShape = {
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

test('dispatches of a 12-layer training step of a Llama on a GPU', () => {
  const counts = countDispatches(trainingPlanOf(llama, size), gpu);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  console.log(`12 layers of a Llama: ${total} dispatches`, counts);
  expect(total).toBeLessThanOrEqual(156);
  expect(Object.keys(counts).filter((label) => /^(sum|swiglu|rotary)\./.test(label))).toEqual([]);
});

test('dispatches of a 12-layer training step on a GPU', () => {
  const plan = trainingPlan(size);
  const counts = countDispatches(plan, gpu);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  console.log(`12 layers: ${total} dispatches`, counts);
  expect(total).toBeLessThanOrEqual(144);
  expect(Object.keys(counts).filter((label) => /^(sum|gelu|column-sum)\./.test(label))).toEqual([]);
});

test('a 12-layer training step in f16 has the same dispatches, and keeps and moves about half', () => {
  for (const [name, plan, least] of [
    ['GPT', trainingPlan(size), 0.42],
    ['Llama', trainingPlanOf(llama, size), 0.4],
  ] as const) {
    const stored = storeHalves(plan, halfGpu);
    const [exact, half] = [countBytes(plan, gpu), countBytes(stored, halfGpu)];
    console.log(`12 layers of a ${name}, MiB: f32`, exact, 'f16', half);
    expect(half.temporaries).toBeLessThan((1 - least) * exact.temporaries);
    expect(half.moved).toBeLessThan(0.93 * exact.moved);
    expect(countDispatches(stored, halfGpu)).toEqual(countDispatches(plan, gpu));
    const withMatrices = Object.entries(countDispatches(stored, { ...halfGpu, halfProducts: 'matrices' }));
    const plainName = (label: string) => label.replace('-matrices', '');
    expect(withMatrices.some(([label]) => plainName(label) !== label)).toBe(true);
  }
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

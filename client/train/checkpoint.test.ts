import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { modelSchema } from '../../shared/manifest/model.ts';
import { stateHash } from '../../shared/rounds/state.ts';
import { openModel } from '../models/open-model.ts';
import { readSafetensors, writeSafetensors } from '../models/files/safetensors.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { lmPlans } from './lm/lm-plans.ts';

const model = openModel(modelSchema.parse({ kind: 'gpt', layers: 1, heads: 1, width: 4, context: 4 }), null);
const plan = lmPlans(model, { kind: 'sgd', batchSize: 1, accumulate: 1 }).evaluation;

/** A vector as training leaves it: noise in the parameters, zero in the padding. */
function vector(seed: number): Float32Array<ArrayBuffer> {
  const random = createRandom(seed);
  const flat = new Float32Array(plan.parameterCount);
  for (const { offset, elements } of plan.parameters) {
    for (let i = offset; i < offset + elements; i++) flat[i] = random.normal();
  }
  return flat;
}

test('a checkpoint brings back the state to the bit, with and without outer momentum', () => {
  for (const momentum of [null, vector(2)]) {
    const state = { round: 17, parameters: vector(1), momentum };
    const restored = readCheckpoint(plan, writeCheckpoint(plan, state));
    expect(restored).toEqual(state);
    expect(stateHash(restored)).toBe(stateHash(state));
  }
});

test('a file that is no checkpoint of this model is refused, and says why', () => {
  const { tensors, metadata } = readSafetensors(
    writeCheckpoint(plan, { round: 1, parameters: vector(1), momentum: null }),
  );
  const refusal = (file: Parameters<typeof writeSafetensors>[0]) => () => readCheckpoint(plan, writeSafetensors(file));
  const [first, ...rest] = tensors;
  const nan = { ...first!, data: first!.data.map(() => NaN) };
  const flat = { ...first!, shape: [first!.data.length] };
  const more = { name: 'lm_head.weight', shape: [1], data: Float32Array.of(1) };
  expect(refusal({ tensors: rest, metadata })).toThrow('transformer.wte.weight is missing');
  expect(refusal({ tensors: [...rest, nan], metadata })).toThrow('transformer.wte.weight is not finite');
  expect(refusal({ tensors: [...rest, flat], metadata })).toThrow('transformer.wte.weight is [1024]');
  expect(refusal({ tensors: [...tensors, more], metadata })).toThrow('lm_head.weight is no parameter');
  expect(refusal({ tensors, metadata: {} })).toThrow('round undefined');
  expect(refusal({ tensors, metadata: { round: '-1' } })).toThrow('round -1');
});

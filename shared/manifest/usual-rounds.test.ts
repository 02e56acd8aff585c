import { expect, test } from 'vitest';
import { parseManifest } from './manifest.ts';

function roundsOf(rounds: unknown, others: object = {}) {
  const spec = { algorithm: 'lm', model: { kind: 'gpt' }, data: { source: 'npm:x' }, runtime: { maxTokens: 1 } };
  const manifest = {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'test' },
    spec: { ...spec, ...others, rounds },
  };
  const parsed = parseManifest(manifest);
  expect(parseManifest(parsed)).toEqual(parsed);
  return parsed.spec.rounds;
}

test('signs where nothing else is written', () => {
  expect(roundsOf({})).toMatchObject({ compression: 'sign', innerSteps: 8, outerMomentum: 0 });
  expect(roundsOf({ compression: 'none' })).toMatchObject({ compression: 'none' });
});

test('DeMo where gradients are exchanged: a few coefficients of each step', () => {
  const optimizer = { kind: 'sign' };
  expect(roundsOf({ exchange: 'gradients' }, { optimizer })).toMatchObject({ compression: 'dct', innerSteps: 1 });
  expect(roundsOf({ exchange: 'gradients', innerSteps: 4 }, { optimizer })).toMatchObject({ innerSteps: 4 });
  const robust = { exchange: 'gradients', aggregation: 'median' };
  expect(roundsOf(robust, { optimizer })).toMatchObject({ compression: 'int8', innerSteps: 1 });
});

test('all of a difference where workers keep nothing, or where a rule takes coordinates one by one', () => {
  expect(roundsOf({}, { verification: 'standard' })).toMatchObject({ compression: 'int8' });
  expect(roundsOf({ aggregation: 'median' })).toMatchObject({ compression: 'int8' });
  expect(roundsOf({ compression: 'sign' }, { verification: 'standard' })).toMatchObject({ compression: 'sign' });
});

test('the robust rule where workers are verified, the mean where they are trusted', () => {
  expect(roundsOf({})).toMatchObject({ aggregation: 'mean' });
  for (const verification of ['standard', { audits: 0 }]) {
    expect(roundsOf({}, { verification })).toMatchObject({ aggregation: 'robust', compression: 'int8' });
  }
  expect(roundsOf({ aggregation: 'krum' }, { verification: 'standard' })).toMatchObject({ aggregation: 'krum' });
});

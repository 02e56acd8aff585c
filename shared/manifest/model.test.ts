import { expect, test } from 'vitest';
import { lossUnit } from './model.ts';
import { parseManifest } from './manifest.ts';

function modelOf(model: unknown) {
  return parseManifest({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'a-model' },
    spec: { algorithm: 'lm', model, data: { source: 'file:x' }, runtime: { maxTokens: 1 } },
  }).spec.model;
}

test('a Llama needs no sizes; a folder is a kind of its own; parsing twice changes nothing', () => {
  const models = [{ kind: 'llama' }, { kind: 'llama', heads: 8, kvHeads: 2, hidden: 160 }, { from: 'file:./my-model' }];
  const parsed = models.map(modelOf);
  expect(parsed[0]).toMatchObject({ layers: 4, width: 64, ropeTheta: 10_000 });
  expect(parsed[2]).toEqual({ kind: 'pretrained', from: 'file:./my-model', context: 256 });
  expect(parsed.map(modelOf)).toEqual(parsed);
  expect(parsed.map(lossUnit)).toEqual(['byte', 'byte', 'token']);
});

test.each<[unknown, string, string | RegExp, string?]>([
  [{ kind: 'rnn' }, '.kind', '"rnn" is not supported', 'gpt, llama, pretrained'],
  [{}, '.from', 'is missing', 'text'],
  [{ from: 'my-model' }, '.from', 'must begin with file: or dataset:'],
  [{ from: 'file:./m', layers: 3 }, '', 'unknown field layers', 'kind, from, context, bytes'],
  [
    { kind: 'gpt', kvHeads: 2 },
    '',
    'unknown field kvHeads',
    'kind, layers, heads, width, context, tokenizer, positions, norm',
  ],
  [
    { kind: 'llama', norm: 'layer' },
    '',
    'unknown field norm',
    'kind, layers, heads, width, context, tokenizer, kvHeads, hidden, ropeTheta',
  ],
  [{ kind: 'llama', kvHeads: 3 }, '.kvHeads', 'must divide heads'],
  [{ kind: 'llama', width: 66 }, '.width', 'must be a multiple of heads'],
  [{ kind: 'llama', hidden: '160' }, '.hidden', '"160" is not accepted', 'a number'],
  ['llama', '', '"llama" is not accepted', 'a mapping of fields'],
])('%j is refused', (model, field, message, allowed) => {
  const fault = { code: 'invalid_manifest', where: `spec.model${field}`, message, ...(allowed && { allowed }) };
  expect(() => modelOf(model)).toThrow(expect.objectContaining(fault));
});

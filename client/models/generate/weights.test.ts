import { expect, test } from 'vitest';
import type { DecoderShape } from '../decoder.ts';
import { decodePlan } from './decode-plans.ts';
import { weightBytesRead } from './weights.ts';

const gpt2: DecoderShape = {
  kind: 'gpt',
  layers: 12,
  heads: 12,
  width: 768,
  context: 1024,
  vocabulary: 50257,
  positions: 'learned',
  norm: 'layer',
};
const tinyLlama: DecoderShape = {
  kind: 'llama',
  layers: 22,
  heads: 32,
  kvHeads: 4,
  headSize: 64,
  width: 2048,
  hidden: 5632,
  context: 2048,
  vocabulary: 32000,
  rotary: { base: 10_000 },
  epsilon: 1e-5,
  qkvBias: false,
  tied: false,
};

// docs/models.md has these figures.
test.each([
  ['GPT-2', gpt2, [494.6, 131.7, 89.3]],
  ['TinyLlama 1.1B', tinyLlama, [4138, 1099.4, 615]],
] as const)('megabytes of weights that a token of %s reads: float32, int8, nf4', (_, shape, wanted) => {
  const formats = [null, 'int8', 'nf4'] as const;
  const read = formats.map(
    (format) => Math.round(weightBytesRead(decodePlan(shape, { capacity: 1 }, format)) / 1e5) / 10,
  );
  expect(read).toEqual(wanted);
});

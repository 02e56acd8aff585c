import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { utf8 } from '../../shared/bytes.ts';
import { bytesTokenizer } from '../models/bytes-tokenizer.ts';
import { choosePrompt, drawToken } from './sample.ts';

const logits = Float32Array.of(0, 2, 1, -50, 2.5);

test('temperature 0 takes the likeliest token', () => {
  expect(drawToken(logits, { temperature: 0, topK: 5 }, createRandom(1))).toBe(4);
});

test('only the top k are drawn, as often as softmax says', () => {
  const random = createRandom(2);
  const counts = new Uint32Array(5);
  for (let i = 0; i < 20_000; i++) counts[drawToken(logits, { temperature: 0.5, topK: 3 }, random)]!++;
  const weights = [4, 5, 2].map((doubled) => Math.exp(doubled));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  expect([counts[0], counts[3]]).toEqual([0, 0]);
  expect(counts[1]! / 20_000).toBeCloseTo(weights[0]! / total, 1);
  expect(counts[4]! / 20_000).toBeCloseTo(weights[1]! / total, 1);
  expect(counts[2]! / 20_000).toBeCloseTo(weights[2]! / total, 1);
});

test('a prompt begins with a sentence and ends with a word', () => {
  const prompt = (text: string) => bytesTokenizer.decode(choosePrompt(utf8(text), bytesTokenizer, 16));
  expect(prompt('ten gold. Call me Ishmael, some years ago')).toBe('Call me');
  expect(prompt('no sentence here at all')).toBe('no sentence');
  expect(prompt('0123456789abcdefghij')).toBe('0123456789abcdef');
});

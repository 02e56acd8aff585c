// Lets a trained model write: one token at a time, drawn from its distribution after temperature and top-k.

import type { Program } from '../../kernels/device/device.ts';
import { utf8 } from '../../shared/bytes.ts';
import type { Tokenizer, Tokens } from '../models/tokenizer.ts';
import type { Random } from '../../shared/random.ts';
import type { Pace } from './pace.ts';

export interface Sampling {
  readonly temperature: number; // below 1 is more cautious; 0 always takes the likeliest
  readonly topK: number; // draw only from so many likeliest tokens
}

/**
 * Continues a prompt.
 * @param program with the input `tokens` [1, T] and readable `logits` [T, V]
 * @param prompt at least one token
 * @returns `length` new tokens, without the prompt
 */
export async function sampleTokens(
  program: Program,
  prompt: Tokens,
  length: number,
  sampling: Sampling,
  random: Random,
  pace: Pace,
): Promise<Uint32Array> {
  const context = program.plan.tensors.find(({ name }) => name === 'tokens')!.shape[1]!;
  const text = new Uint32Array(prompt.length + length);
  text.set(prompt);
  const window = new Uint32Array(context);
  for (let end = prompt.length; end < text.length; end++) {
    const seen = text.subarray(Math.max(0, end - context), end);
    window.fill(0).set(seen); // what follows the seen tokens cannot be attended to
    program.write('tokens', window);
    await program.run();
    const logits = (await program.read('logits')) as Float32Array;
    const vocabulary = logits.length / context;
    text[end] = drawToken(logits.subarray((seen.length - 1) * vocabulary, seen.length * vocabulary), sampling, random);
    await pace.rest();
  }
  return text.subarray(prompt.length);
}

/** Draws one token from softmax(logits / temperature) restricted to the `topK` likeliest. */
export function drawToken(logits: Float32Array, { temperature, topK }: Sampling, random: Random): number {
  const likeliest = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, Math.max(1, topK));
  const best = likeliest[0]!;
  if (temperature <= 0) return best;
  const weights = likeliest.map((token) => Math.exp((logits[token]! - logits[best]!) / temperature));
  let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, token] of likeliest.entries()) {
    left -= weights[i]!;
    if (left < 0) return token;
  }
  return best; // rounding left a sliver
}

/** Of the text that a prompt is looked for in. */
const promptText = 4096;

/** The beginning of a sentence of `text`, at most `length` tokens, ending with a word; any beginning where there is none. */
export function choosePrompt(text: Tokens, tokenizer: Tokenizer, length: number): Tokens {
  const words = tokenizer.decode(text.subarray(0, promptText));
  const stop = words.indexOf('. ');
  const sentence = tokenizer.encode(utf8(stop < 0 ? words : words.slice(stop + 2))).subarray(0, length);
  for (let end = sentence.length; end > 1; end--) {
    // The last token of a whole word is the one before a space: bytes have it after, other tokenizers within the next one.
    if (tokenizer.decode(sentence.subarray(end - 1, end)).startsWith(' ')) return sentence.subarray(0, end - 1);
  }
  return sentence;
}

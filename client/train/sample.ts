// Lets a trained model write: one token at a time, drawn from its distribution after temperature and top-k.

import type { Program } from '../../kernels/device/device.ts';
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
  prompt: Uint8Array,
  length: number,
  sampling: Sampling,
  random: Random,
  pace: Pace,
): Promise<Uint8Array> {
  const context = program.plan.tensors.find(({ name }) => name === 'tokens')!.shape[1]!;
  const text = new Uint8Array(prompt.length + length);
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

/** The beginning of a sentence of `text`, at most `length` tokens, ending with a word; any beginning where there is none. */
export function choosePrompt(text: Uint8Array, length: number): Uint8Array {
  const [space, stop] = [0x20, 0x2e];
  const sentence = text.findIndex((byte, i) => byte === space && text[i - 1] === stop) + 1; // 0 without one
  const prompt = text.subarray(sentence, sentence + length);
  const end = prompt.lastIndexOf(space);
  return end > 0 ? prompt.subarray(0, end) : prompt;
}

// What counting alone learns: token frequencies (unigram) and frequencies after each token (bigram). A trained model that
// does not beat them has learnt nothing worth its electricity. Losses are in nats per token.

import type { Tokens } from '../../models/tokens/tokenizer.ts';
import type { Dataset, Window } from './data.ts';

/** Added to every count, so that an unseen pair is not impossible. One would flatten the many rare rows of the bigram. */
const smoothing = 0.1;

export interface CountLosses {
  readonly unigram: number;
  readonly bigram: number;
}

/** Fits both models on the training part and measures them on the tokens that `windows` of the validation part predict. */
export function countLosses(
  { train, validation }: Dataset,
  windows: readonly Window[],
  vocabulary: number,
): CountLosses {
  const singles = countSingles(train, vocabulary);
  const pairs = countPairs(train, vocabulary);
  let [unigram, bigram, tokens] = [0, 0, 0];
  for (const window of windows) {
    for (let i = window.start; i < window.start + window.tokens; i++) {
      const [before, token] = [validation[i]!, validation[i + 1]!];
      unigram -= logProbability(singles[token]!, train.length, vocabulary);
      const followers = singles[before]! - Number(before === train.at(-1)); // the last token has none
      bigram -= logProbability(pairs.get(before * vocabulary + token) ?? 0, followers, vocabulary);
    }
    tokens += window.tokens;
  }
  return { unigram: unigram / tokens, bigram: bigram / tokens };
}

function countSingles(tokens: Tokens, vocabulary: number): Uint32Array {
  const counts = new Uint32Array(vocabulary);
  for (const token of tokens) counts[token]!++;
  return counts;
}

/** By first token * vocabulary + second. */
function countPairs(tokens: Tokens, vocabulary: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = 1; i < tokens.length; i++) {
    const pair = tokens[i - 1]! * vocabulary + tokens[i]!;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
}

function logProbability(count: number, total: number, vocabulary: number): number {
  return Math.log((count + smoothing) / (total + vocabulary * smoothing));
}

// What counting alone learns: byte frequencies (unigram) and frequencies after each byte (bigram). A trained model that does
// not beat them has learnt nothing worth its electricity. Losses are in nats per byte.

import type { Dataset, Window } from './data.ts';

/** Added to every count, so that an unseen pair is not impossible. One would flatten the many rare rows of the bigram. */
const smoothing = 0.1;
const symbols = 256;

export interface CountLosses {
  readonly unigram: number;
  readonly bigram: number;
}

/** Fits both models on the training part and measures them on the tokens that `windows` of the validation part predict. */
export function countLosses({ train, validation }: Dataset, windows: readonly Window[]): CountLosses {
  const singles = new Float64Array(symbols);
  const pairs = new Float64Array(symbols * symbols);
  for (const byte of train) singles[byte]!++;
  for (let i = 1; i < train.length; i++) pairs[train[i - 1]! * symbols + train[i]!]!++;
  const single = { unigram: logProbabilities(singles), bigram: logProbabilities(pairs) };
  let [unigram, bigram, tokens] = [0, 0, 0];
  for (const window of windows) {
    for (let i = window.start; i < window.start + window.tokens; i++) {
      unigram -= single.unigram[validation[i + 1]!]!;
      bigram -= single.bigram[validation[i]! * symbols + validation[i + 1]!]!;
    }
    tokens += window.tokens;
  }
  return { unigram: unigram / tokens, bigram: bigram / tokens };
}

/** Natural logarithms of the smoothed probabilities of each row of 256 counts. */
function logProbabilities(counts: Float64Array): Float64Array {
  const logs = new Float64Array(counts.length);
  for (let row = 0; row < counts.length; row += symbols) {
    const ofRow = counts.subarray(row, row + symbols);
    const total = ofRow.reduce((sum, count) => sum + count, symbols * smoothing);
    for (let i = 0; i < symbols; i++) logs[row + i] = Math.log((ofRow[i]! + smoothing) / total);
  }
  return logs;
}

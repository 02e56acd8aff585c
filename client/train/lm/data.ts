// The job's data as tokens: what is trained on, what is kept for validation, and the windows that steps and
// evaluations read. A window is `context` tokens and, shifted by one, the tokens to predict.

import { noTarget } from '../../../kernels/softmax/cross-entropy.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { Random } from '../../../shared/random.ts';
import type { Tokens } from '../../models/tokens/tokenizer.ts';

export interface Dataset {
  readonly train: Tokens;
  readonly validation: Tokens; // the end of the file, never trained on
}

/** Predicts `tokens` tokens: those at start + 1 .. start + tokens of its part of the data. */
export interface Window {
  readonly start: number;
  readonly tokens: number; // 1..context
}

/** Host memory of one batch, reused by every step. */
export interface Batch {
  readonly tokens: Uint32Array; // [B, T]
  readonly targets: Uint32Array; // [B, T]; `noTarget` where there is nothing to predict
}

/**
 * Splits the data; the validation part is its last `validationFraction`.
 * @throws LoomError `data_unavailable` when a part does not hold one window
 */
export function splitData(data: Tokens, validationFraction: number, context: number): Dataset {
  if (data.length === 0) throw new LoomError('data_unavailable', 'the data is empty', { where: 'spec.data.source' });
  const split = Math.floor(data.length * (1 - validationFraction));
  const dataset = { train: data.subarray(0, split), validation: data.subarray(split) };
  const shortest = Math.min(dataset.train.length, dataset.validation.length);
  if (shortest > context) return dataset;
  const needed = Math.ceil((context + 2) / Math.min(validationFraction, 1 - validationFraction));
  throw new LoomError('data_unavailable', `${data.length} tokens are too few to train and validate on`, {
    where: 'spec.data.source',
    allowed: `${needed} tokens or more for context ${context} and validationFraction ${validationFraction}`,
  });
}

export function createBatch(size: number, context: number): Batch {
  return { tokens: new Uint32Array(size * context), targets: new Uint32Array(size * context) };
}

/** Fills a batch with windows drawn evenly from everywhere in `data`. */
export function drawBatch(batch: Batch, data: Tokens, context: number, random: Random): void {
  const starts = data.length - context; // so many places hold a window and its last target
  for (let at = 0; at < batch.tokens.length; at += context) {
    fillWindow(batch, at, data, { start: random.below(starts), tokens: context });
  }
}

/** Fills a batch with the given windows, at most one a row; what they leave empty has no target. */
export function fillBatch(batch: Batch, data: Tokens, context: number, windows: readonly Window[]): void {
  batch.tokens.fill(0);
  batch.targets.fill(noTarget);
  for (const [row, window] of windows.entries()) fillWindow(batch, row * context, data, window);
}

/**
 * Windows that follow each other without a gap over the whole of `data`; beyond `maxTokens`, that many tokens' worth of
 * them, evenly spread. Always the same windows for the same lengths, so that losses of different rounds compare.
 */
export function evaluationWindows(dataLength: number, context: number, maxTokens: number): readonly Window[] {
  const all = Math.ceil((dataLength - 1) / context);
  const count = Math.min(all, Math.max(1, Math.floor(maxTokens / context)));
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * all) / count) * context;
    return { start, tokens: Math.min(context, dataLength - 1 - start) };
  });
}

/** Windows from anywhere in `data`, as many as `maxTokens` are good for, at least one. */
export function drawWindows(dataLength: number, context: number, maxTokens: number, random: Random): readonly Window[] {
  const count = Math.max(1, Math.floor(maxTokens / context));
  return Array.from({ length: count }, () => ({ start: random.below(dataLength - context), tokens: context }));
}

function fillWindow(batch: Batch, at: number, data: Tokens, { start, tokens }: Window): void {
  for (let t = 0; t < tokens; t++) {
    batch.tokens[at + t] = data[start + t]!;
    batch.targets[at + t] = data[start + t + 1]!;
  }
}

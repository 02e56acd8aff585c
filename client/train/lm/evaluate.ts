// Measures the loss of the parameters a program holds on fixed windows of the validation part.

import type { Program } from '../../../kernels/device/device.ts';
import type { Tokens } from '../../models/tokens/tokenizer.ts';
import { createBatch, fillBatch } from './data.ts';
import type { Window } from './data.ts';
import type { Pace } from '../pace.ts';

/** Tokens measured in a round, and in the final evaluation: enough to see progress, and never minutes. */
export const roundEvaluationTokens = 4096;
export const finalEvaluationTokens = 262_144;

export interface Evaluation {
  readonly loss: number; // nats per token
  readonly tokens: number;
}

/**
 * @param program with inputs `tokens` and `targets` [B, T] and a readable `loss`, the mean over rows that have a target
 */
export async function evaluate(
  program: Program,
  validation: Tokens,
  windows: readonly Window[],
  pace: Pace,
): Promise<Evaluation> {
  const [size, context] = batchShape(program);
  const batch = createBatch(size, context);
  let total = 0;
  let tokens = 0;
  for (let at = 0; at < windows.length; at += size) {
    const part = windows.slice(at, at + size);
    fillBatch(batch, validation, context, part);
    program.write('tokens', batch.tokens);
    program.write('targets', batch.targets);
    await program.run();
    const [loss] = await program.read('loss');
    const counted = part.reduce((sum, window) => sum + window.tokens, 0);
    total += loss! * counted;
    tokens += counted;
    await pace.rest();
  }
  return { loss: total / tokens, tokens };
}

function batchShape({ plan }: Program): [size: number, context: number] {
  return plan.tensors.find(({ name }) => name === 'tokens')!.shape as [number, number];
}

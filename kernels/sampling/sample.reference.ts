// Reference of the sampling kernel, which is also the CPU backend.

import type { View } from '../plan/op.ts';
import { counterUniform } from './counter-random.ts';

export function sampleReference([logits, settings]: readonly View[], [cursor]: readonly View[]): void {
  const texts = cursor!.length / 4;
  const vocabulary = logits!.length / texts;
  for (let text = 0; text < texts; text++) {
    const row = logits!.subarray(text * vocabulary, (text + 1) * vocabulary);
    sampleRow(row, settings!.subarray(4 * text, 4 * text + 4), cursor!.subarray(4 * text, 4 * text + 4));
  }
}

function sampleRow(logits: View, settings: View, cursor: View): void {
  const floats = new Float32Array(settings.buffer, settings.byteOffset, settings.length);
  const sampling = { temperature: floats[0]!, topK: settings[1]!, topP: floats[2]! };
  cursor[0] = drawToken(logits, sampling, counterUniform(settings[3]!, cursor[2]!));
  cursor[1] = cursor[1]! + 1;
  cursor[2] = cursor[2]! + 1;
}

/** @param share in [0, 1): which token, in the order of the vocabulary, of all that remain */
export function drawToken(
  logits: ArrayLike<number>,
  { temperature, topK, topP }: { temperature: number; topK: number; topP: number },
  share: number,
): number {
  const values = Float32Array.from(logits, (x) => (Number.isNaN(x) ? -Infinity : x));
  const highest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const likeliest = Math.max(0, values.indexOf(highest));
  if (temperature <= 0 || !Number.isFinite(highest)) return likeliest;
  const cut = cutOf(values, highest, { temperature, topK, topP });
  const weightOf = (x: number): number => (x >= cut ? Math.exp((x - highest) / temperature) : 0);
  let left = share * values.reduce((sum, x) => sum + weightOf(x), 0);
  let last = likeliest;
  for (const [token, x] of values.entries()) {
    if (x < cut) continue;
    const weight = weightOf(x);
    if (weight > 0) last = token; // the one to take, should rounding leave a sliver
    left -= weight;
    if (left < 0) break;
  }
  return last;
}

/** The lowest logit that top-k and then top-p leave; tokens with equal logits stay or go together. */
function cutOf(
  values: Float32Array,
  highest: number,
  { temperature, topK, topP }: { temperature: number; topK: number; topP: number },
): number {
  const limitsCount = topK > 0 && topK < values.length;
  if (!limitsCount && topP >= 1) return -Infinity;
  const sorted = values.toSorted().reverse();
  const cut = limitsCount ? sorted[topK - 1]! : -Infinity;
  if (topP >= 1) return cut;
  const kept = sorted.subarray(0, sorted.findLastIndex((x) => x >= cut) + 1);
  const weights = Float64Array.from(kept, (x) => Math.exp((x - highest) / temperature));
  let left = topP * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => (left -= weight) <= 0);
  return kept[at < 0 ? kept.length - 1 : at]!;
}

// Fingerprints of written text, after TOPLOC (arXiv 2501.16007): for every token the largest logit that it was drawn from, 192
// bytes for 32 tokens. Whoever has the model runs it over the whole text at once, which is far cheaper than writing it, and
// sees whether this model wrote this text, in this precision. Backends round differently; other weights differ by far more.

import { LoomError } from '../errors.ts';

/** The largest of a token's logits. */
export interface Mark {
  readonly index: number;
  readonly value: number; // to 15 bits after the leading one
}

export const tokensPerChunk = 32;
const bytesPerMark = 6; // index and value, 24 bits each

export function markOf(logits: Float32Array): Mark {
  let index = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[index]!) index = i;
  return { index, value: logits[index]! };
}

/** One code for every 32 marks. */
export function encodeMarks(marks: readonly Mark[]): Uint8Array[] {
  const chunks = Array.from({ length: Math.ceil(marks.length / tokensPerChunk) }, (_, i) =>
    marks.slice(i * tokensPerChunk, (i + 1) * tokensPerChunk),
  );
  return chunks.map((chunk) => {
    const view = new DataView(new ArrayBuffer(chunk.length * bytesPerMark + 1)); // the last mark writes one byte more
    for (const [i, { index, value }] of chunk.entries()) {
      view.setUint32(i * bytesPerMark, (index << 8) >>> 0);
      view.setFloat32(i * bytesPerMark + 3, value); // its last byte is overwritten or cut off
    }
    return new Uint8Array(view.buffer, 0, chunk.length * bytesPerMark);
  });
}

/** @throws LoomError `invalid_request` for what is no such code */
export function decodeMarks(chunks: readonly Uint8Array[]): Mark[] {
  return chunks.flatMap((chunk, place) => {
    const count = chunk.length / bytesPerMark;
    const isLast = place === chunks.length - 1;
    if (!Number.isInteger(count) || count === 0 || count > tokensPerChunk || (!isLast && count < tokensPerChunk))
      throw new LoomError('invalid_request', `${chunk.length} bytes are no fingerprint of 32 tokens`, {
        where: `chunks.${place}`,
        allowed: `${tokensPerChunk * bytesPerMark} bytes, the last one fewer`,
      });
    return Array.from({ length: count }, (_, i) => markAt(chunk, i * bytesPerMark));
  });
}

function markAt(chunk: Uint8Array, at: number): Mark {
  const view = new DataView(chunk.buffer, chunk.byteOffset + at, bytesPerMark);
  const float = new DataView(new ArrayBuffer(4));
  float.setUint16(0, view.getUint16(3));
  float.setUint8(2, view.getUint8(5));
  return { index: view.getUint16(0) * 256 + view.getUint8(2), value: float.getFloat32(0) };
}

/** How far a mark is from what was computed again, in standard deviations of the logits; infinity where it is no number. */
export function markError({ index, value }: Mark, logits: Float32Array): number {
  const mean = logits.reduce((sum, x) => sum + x, 0) / logits.length;
  const spread = Math.sqrt(logits.reduce((sum, x) => sum + (x - mean) ** 2, 0) / logits.length);
  const error = Math.abs(value - logits[index]!) / spread;
  return Number.isFinite(error) ? error : Infinity;
}

export type Finding = 'genuine' | 'altered text' | 'another precision' | 'another model';

export interface FingerprintVerdict {
  readonly finding: Finding;
  /** The first token that does not follow from those before it, counted from 0; null where none stands out. */
  readonly alteredAt: number | null;
  readonly medianError: number;
}

/**
 * In spreads. The CPU backend and SwiftShader differ by 3e-5 (the median), int8 weights by 8e-3, 4-bit ones by 5e-2, other weights by 1 or
 * more. So close as `exact` hardly any rounded weights come; within `fine` lie honest backends, within `coarse` rounded weights.
 */
export const tolerance = { exact: 2e-4, fine: 2e-3, coarse: 0.3 };
/** Tokens that another backend's rounding may draw differently from the same logits. */
const redrawnOtherwise = 0.02;

/**
 * @param errors of the marks in order; mark t is of the logits from which token t was drawn, the last one may be of none
 * @param redrawn whether token t is the one that the settings and the seed draw from the logits computed again
 */
export function judgeFingerprint(errors: readonly number[], redrawn: readonly boolean[]): FingerprintVerdict {
  const medianError = errors.toSorted((a, b) => a - b)[errors.length >> 1] ?? Infinity;
  const first = errors.findIndex((error) => error > tolerance.fine);
  const verdict = (finding: Finding, alteredAt: number | null = null) => ({ finding, alteredAt, medianError });
  const isBreak =
    first >= 1 && (errors[first]! > tolerance.coarse || Math.max(...errors.slice(0, first)) <= tolerance.exact);
  if (isBreak || (first >= 1 && medianError <= tolerance.fine)) return verdict('altered text', first - 1);
  if (first >= 0 && medianError <= tolerance.fine) return verdict('altered text');
  if (first >= 0) return verdict(medianError <= tolerance.coarse ? 'another precision' : 'another model');
  const strange = redrawn.filter((isSame) => !isSame).length;
  if (strange > Math.max(1, redrawnOtherwise * redrawn.length)) return verdict('altered text', redrawn.indexOf(false));
  return verdict('genuine');
}

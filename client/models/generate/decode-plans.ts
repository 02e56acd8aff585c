// The two programs of decoding, which share parameters and caches: a window whose keys and values are kept, and one token after
// them, up to the draw of the next.

import { appendToCache, attendToCache, declareCache } from '../../../kernels/decode/cache.ts';
import type { Cache } from '../../../kernels/decode/cache.ts';
import { decodeCursor } from '../../../kernels/decode/cursor.ts';
import { embedToken } from '../../../kernels/decode/token-embedding.ts';
import type { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Tensor } from '../../../kernels/plan/op.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { rotaryTable, rotate } from '../../../kernels/rotary/rotary.ts';
import { sampleToken } from '../../../kernels/sampling/sample.ts';
import type { DecoderShape } from '../decoder.ts';
import { listDecoder } from '../decoder.ts';
import type { AttentionHeads, Sequence } from '../sequence.ts';
import { anglesOfWindows, windows } from '../sequence.ts';
import { weightsBuilder } from './weights.ts';

export interface CacheSize {
  readonly capacity: number; // positions of each text, at most the model's context
  readonly texts?: number; // B, that are written at once; default 1
}

/**
 * One step: for each text the cursor's token at its position, and the draw of the next, which moves the cursor on.
 * @param cache.capacity positions that it holds of each text, at most shape.context
 * @param format of the weights
 * @returns a plan with the input `sampling`, the state `decode.cursor` and the readable `logits` [B, V]
 */
export function decodePlan(shape: DecoderShape, cache: CacheSize, format: QuantizedFormat | null = null): Plan {
  const builder = weightsBuilder(format);
  const cursor = decodeCursor(builder, cache.texts);
  const logits = builder.readable(listDecoder(builder, shape, oneToken(builder, cursor, cache)));
  sampleToken(builder, logits, cursor);
  return builder.finish();
}

/**
 * The training forward pass over one window, as far as the last layer's keys and values, which land in the cache of the text that the
 * input `slot` u32 [1] names.
 * @param time T, of the input `tokens` u32 [1, T]; tokens that do not matter may follow those that do
 */
export function prefillPlan(
  shape: DecoderShape,
  cache: CacheSize,
  time: number,
  format: QuantizedFormat | null = null,
): Plan {
  const builder = weightsBuilder(format);
  const tokens = builder.input('tokens', [1, time], 'u32');
  listDecoder(builder, shape, keptWindow(builder, tokens, cache));
  const plan = builder.finish();
  const last = plan.ops.findLastIndex(({ kernel }) => kernel.name === 'cacheAppend');
  return { ...plan, ops: plan.ops.slice(0, last + 1) };
}

/** Each cursor's token, which sees what its text's cache holds and itself. */
function oneToken(builder: PlanBuilder, cursor: Tensor, size: CacheSize): Sequence {
  const nextCache = caches(builder, size);
  let angles: Tensor | null = null;
  return {
    embed: (table, positions) => embedToken(builder, cursor, table, positions),
    attend(qkv, heads) {
      const { headSize, rotary } = heads;
      if (rotary !== null) angles ??= rotaryTable(builder, { time: size.capacity, headSize, rotary });
      const cache = nextCache(heads);
      appendToCache(builder, qkv, cache, { cursor, angles });
      return attendToCache(builder, qkv, cache, { cursor, angles });
    },
  };
}

/** A window as training sees it, whose keys and values are kept. */
function keptWindow(builder: PlanBuilder, tokens: Tensor, size: CacheSize): Sequence {
  const nextCache = caches(builder, size);
  const slot = builder.input('slot', [1], 'u32');
  const angles = anglesOfWindows(builder, tokens.shape[1]!);
  const window = windows(builder, tokens);
  return {
    embed: window.embed,
    attend(qkv, heads) {
      const table = angles(heads);
      const turned = table ? rotate(builder, qkv, table, heads.heads + heads.kvHeads) : qkv; // the cache holds turned keys
      appendToCache(builder, turned, nextCache(heads), { cursor: null, slot, angles: null });
      return window.attend(turned, { ...heads, rotary: null });
    },
  };
}

/** A cache for each layer in order, under the same names in both programs. */
function caches(builder: PlanBuilder, size: CacheSize): (heads: AttentionHeads) => Cache {
  let layer = 0;
  return (heads) => declareCache(builder, `decode.cache.${layer++}`, { ...heads, ...size });
}

// Where decoding stands: a state that stays on the device from token to token, so that no step waits for the host.

import type { PlanBuilder } from '../plan/builder.ts';
import type { Tensor } from '../plan/op.ts';

export const cursorName = 'decode.cursor';
/** Elements of a cursor: the latest token, its position in the cache, tokens drawn so far (what random numbers count), 0. */
export const cursorSize = 4;

/** The state u32 [4 B], a cursor for each text. `Program.write` sets it before the first step; `sample` moves it on. */
export function decodeCursor(builder: PlanBuilder, texts = 1): Tensor {
  return builder.state(cursorName, [cursorSize * texts], 'u32');
}

/** Texts that a cursor is of. */
export function textsOf(cursor: Tensor | undefined): number {
  return (cursor?.shape[0] ?? 0) / cursorSize;
}

// Drawing the next token on the device, so that a decoding loop never waits for logits to be read.
// Top-p: Holtzman et al. 2019, arXiv:1904.09751.

import { sample as wgsl } from '../generated/sample.ts';
import { cursorSize, textsOf } from '../decode/cursor.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { sampleReference } from './sample.reference.ts';

/** How a token is chosen from its distribution. */
export interface Sampling {
  /** The logits are divided by it: below 1 is more cautious; 0 always takes the likeliest token, the first of equals. */
  readonly temperature: number;
  /** Only so many likeliest tokens; 0: all. */
  readonly topK: number;
  /** Of those, only the likeliest that together have at least this probability; 1: all. */
  readonly topP: number;
  /** Unsigned 32-bit integer. The same seed, settings and device give the same tokens. */
  readonly seed: number;
}

/** Lists the draw of each text; the input `sampling` takes `samplingSettings` of each. Tokens with equal logits stay or go together. */
export function sampleToken(builder: PlanBuilder, logits: Tensor, cursor: Tensor): void {
  builder.update(sampleKernel, [logits, builder.input('sampling', [4 * textsOf(cursor)], 'u32')], [cursor]);
}

/** Four elements. */
export function samplingSettings({ temperature, topK, topP, seed }: Sampling): Uint32Array {
  const settings = Uint32Array.of(0, topK, 0, seed);
  const floats = new Float32Array(settings.buffer);
  floats[0] = temperature;
  floats[2] = topP;
  return settings;
}

/**
 * [logits [B, V], settings u32 [4 B]] changes [cursor u32 [4 B]]: a token is drawn, position and count move on by one. A NaN is
 * less likely than anything; where the highest logit is infinite, the first of the highest is taken.
 */
export const sampleKernel: Kernel = {
  name: 'sample',
  inPlace: true,
  infer([logits, settings]) {
    const [texts] = expectMatrix('sample', logits);
    expectTensor('sample', settings, [4 * texts], 'u32');
    return [{ shape: [cursorSize * texts], dtype: 'u32' }];
  },
  dispatches({ inputs, outputs }, traits) {
    const [logits, settings] = inputs as [Tensor, Tensor];
    return [
      dispatch(wgsl, {
        entryPoint: 'sample',
        tensors: { logits, settings, cursor: outputs[0]! },
        constants: { vocabulary: logits.shape[1]!, ...(traits.isCpu && { lanes: 4 }) },
        workgroups: [logits.shape[0]!, 1, 1],
      }),
    ];
  },
  reference: sampleReference,
};

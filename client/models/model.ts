// What a job trains, as its manifest names it: a decoder's shape, how its text becomes tokens, its first parameters, and
// the files that it leaves.

import type { View } from '../../kernels/plan/op.ts';
import type { Plan } from '../../kernels/plan/plan.ts';
import type { Bytes } from '../../shared/bytes.ts';
import type { DecoderShape } from './decoder.ts';
import type { Tokenizer } from './tokens/tokenizer.ts';

export interface ModelFile {
  readonly name: string;
  readonly bytes: Bytes;
}

export interface Model {
  readonly shape: DecoderShape;
  readonly window: number; // tokens that a training window holds, at most shape.context
  readonly tokenizer: Tokenizer;
  /** The flat vector [plan.parameterCount], the same bits for a seed on every machine. */
  initialParameters(plan: Plan, seed: number): Float32Array<ArrayBuffer>;
  /** What the programs of an adapted model hold besides parameters, by the name of the state; absent: nothing. */
  frozen?(): ReadonlyMap<string, View>;
  /** A folder as Hugging Face's `transformers` reads it. */
  files(plan: Plan, parameters: Float32Array): ModelFile[];
}

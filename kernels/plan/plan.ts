// A plan: a program as a list of ops over named tensors, with its gradient. Listed once by a model, compiled by a device.
// All parameters lie in one flat f32 vector (and all gradients in another), each parameter at an offset that is a multiple
// of 64 elements (256 bytes, WebGPU's binding alignment), so that optimizer, clipping and exchange see one vector.

import type { Op, Tensor, View } from './op.ts';

export interface Parameter {
  readonly name: string; // Hugging Face style: 'transformer.h.0.attn.c_attn.weight'
  readonly shape: readonly number[];
  readonly offset: number; // elements into the flat vector, multiple of 64
  readonly elements: number;
  readonly decay: boolean; // weight decay applies
}

export interface Plan {
  readonly ops: readonly Op[];
  readonly tensors: readonly Tensor[];
  readonly parameters: readonly Parameter[];
  readonly constants: readonly { readonly tensor: Tensor; readonly data: View }[];
  /** Elements of the flat vector, padding included. */
  readonly parameterCount: number;
  /** Names of temporaries that `Program.read` may ask for; the others may share storage. */
  readonly readable: ReadonlySet<string>;
}

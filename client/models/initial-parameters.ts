// The first parameters of a decoder, from the job's seed: every worker makes the same bits for itself, so nothing is sent.

import type { Plan } from '../../kernels/plan/plan.ts';
import { createRandom } from '../../shared/random.ts';

const initialStream = 0x696e6974; // 'init': keeps these draws apart from other uses of the seed

/** Matrices that write into the residual stream, two a layer, by the names of GPT-2 and of Llama. */
const residual = /\.(c_proj|o_proj|down_proj)\.weight$/;

/**
 * Deviation of a matrix's first values. GPT-2's 0.02 belongs to its width of 768; other widths get what gives their
 * activations the same scale. (Width 64, two workers, 500,000 tokens of Moby-Dick: 2.46 nats per byte at 0.02, 2.09 so.)
 */
export function initialDeviation(width: number): number {
  return 0.02 * Math.sqrt(768 / width);
}

/**
 * GPT-2's initialization: norm gains 1, biases 0, matrices normal, those that write into the residual stream (two a layer)
 * divided by the root of their number.
 * @returns the flat vector [plan.parameterCount], zero in the padding
 */
export function initialParameters(
  plan: Plan,
  { width, layers }: { readonly width: number; readonly layers: number },
  seed: number,
): Float32Array<ArrayBuffer> {
  const deviation = initialDeviation(width);
  const flat = new Float32Array(plan.parameterCount);
  for (const [index, { name, shape, offset, elements }] of plan.parameters.entries()) {
    const values = flat.subarray(offset, offset + elements);
    if (name.endsWith('.bias')) continue;
    if (shape.length === 1) values.fill(1);
    else fillNormal(values, residual.test(name) ? deviation / Math.sqrt(2 * layers) : deviation, seed, index);
  }
  return flat;
}

function fillNormal(values: Float32Array, scale: number, seed: number, index: number): void {
  const random = createRandom(seed, initialStream, index);
  for (let i = 0; i < values.length; i++) values[i] = scale * random.normal();
}

// Lists a model with quantized weights without the model's knowing: what it declares as parameters becomes packed state, and what
// reads them unpacks them. Such a plan has no gradients by them.

import { tokenEmbeddingKernel } from '../decode/token-embedding.ts';
import { embeddingKernel } from '../embedding/embedding.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Attributes, Kernel, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import type { QuantizedFormat } from './format.ts';
import { quantize, quantizedSizes } from './format.ts';
import { quantizedEmbedding } from './quantized-embedding.ts';
import { quantizedMatmul } from './quantized-matmul.ts';

/** A matrix that lies quantized. */
export interface QuantizedWeight {
  readonly handle: Tensor; // what stands for it where a plan is listed: nothing writes it, so it gets no storage
  readonly packed: readonly [words: Tensor, scales: Tensor];
  readonly attributes: Attributes; // of the kernels that read it
}

/** Declares the states of a weight [rows, width]. */
export function declareQuantized(
  builder: PlanBuilder,
  name: string,
  shape: readonly number[],
  format: QuantizedFormat,
): QuantizedWeight {
  const sizes = quantizedSizes(format, elementsOf(shape));
  const words = builder.state(`${name}.words`, [sizes.words], 'u32');
  const scales = builder.state(`${name}.scales`, [sizes.scales]);
  const [rows, width] = shape as [number, number];
  return { handle: builder.temporary(name, shape), packed: [words, scales], attributes: { format, rows, width } };
}

/** What the states of a weight hold, by name. */
export function quantizedValues(name: string, values: Float32Array, format: QuantizedFormat): [string, View][] {
  const { packed, scales } = quantize(values, format);
  return [
    [`${name}.words`, packed],
    [`${name}.scales`, scales],
  ];
}

/** Which kernel reads a quantized matrix, its second input, in place of another one. */
const kernels = new Map<Kernel, Kernel>([
  [matmul, quantizedMatmul],
  [embeddingKernel, quantizedEmbedding],
  [tokenEmbeddingKernel, quantizedEmbedding],
]);

export class QuantizedBuilder extends PlanBuilder {
  readonly #formatOf: (name: string, shape: readonly number[]) => QuantizedFormat | null;
  readonly #weights = new Map<Tensor, QuantizedWeight>();

  /** @param formatOf how a parameter lies; null: as it is */
  constructor(formatOf: (name: string, shape: readonly number[]) => QuantizedFormat | null) {
    super();
    this.#formatOf = formatOf;
  }

  override parameter(name: string, shape: readonly number[], options: { decay?: boolean } = {}): Tensor {
    const format = this.#formatOf(name, shape);
    if (format === null) return super.parameter(name, shape, options);
    const weight = declareQuantized(this, name, shape, format);
    this.#weights.set(weight.handle, weight);
    return weight.handle;
  }

  override op(kernel: Kernel, inputs: readonly Tensor[], attributes: Attributes = {}, names: readonly string[] = []) {
    const [first, second, ...rest] = inputs;
    const weight = second && this.#weights.get(second);
    const quantized = weight && kernels.get(kernel);
    if (!quantized) return super.op(kernel, inputs, attributes, names);
    return super.op(quantized, [first!, ...weight.packed, ...rest], { ...attributes, ...weight.attributes }, names);
  }
}

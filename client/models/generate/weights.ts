// The weights of a model that only writes: as they are, or quantized, so that they take and a step reads a fraction of the memory.

import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import { tokenEmbeddingKernel } from '../../../kernels/decode/token-embedding.ts';
import type { Tensor, View } from '../../../kernels/plan/op.ts';
import { elementsOf } from '../../../kernels/plan/op.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { QuantizedBuilder, quantizedValues } from '../../../kernels/quantize/quantized-builder.ts';
import { quantizedEmbedding } from '../../../kernels/quantize/quantized-embedding.ts';
import { toNamedArrays } from '../files/named-arrays.ts';
import { isTable } from '../tables.ts';

/** A builder for a plan whose weights lie so; null: as they are. */
export function weightsBuilder(format: QuantizedFormat | null): PlanBuilder {
  return format === null ? new PlanBuilder() : new QuantizedBuilder((name, shape) => formatOf(name, shape, format));
}

/** Matrices of layers are in the format asked for, token tables and the LM head in int8; vectors and positions stay. */
function formatOf(name: string, shape: readonly number[], format: QuantizedFormat): QuantizedFormat | null {
  if (shape.length !== 2 || /(^|\.)wpe\.weight$/.test(name)) return null;
  return isTable(name) ? 'int8' : format;
}

/**
 * What the parameters and states of such a plan hold, by name.
 * @param plan of the same model with weights as they are
 * @param parameters its flat vector
 */
export function* weightValues(
  plan: Plan,
  parameters: Float32Array,
  format: QuantizedFormat,
): Generator<[string, View]> {
  for (const { name, shape, data } of toNamedArrays(plan, parameters)) {
    const wanted = formatOf(name, shape, format);
    if (wanted === null) yield [name, data];
    else yield* quantizedValues(name, data, wanted);
  }
}

/** Bytes of weights that a step reads whole: all but caches, and tables of which it looks up a row. */
export function weightBytesRead({ ops }: Plan): number {
  const isWeight = ({ role, name }: Tensor) =>
    role === 'parameter' || (role === 'state' && /\.(words|scales)$/.test(name));
  const readers = ops.filter(({ kernel }) => kernel !== tokenEmbeddingKernel && kernel !== quantizedEmbedding);
  const read = new Set(readers.flatMap(({ inputs }) => inputs.filter(isWeight)));
  return [...read].reduce((bytes, { shape }) => bytes + 4 * elementsOf(shape), 0);
}

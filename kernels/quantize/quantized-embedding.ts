// Rows of a table that lies quantized: the token embedding of a model that only writes.

import { cursorSize, textsOf } from '../decode/cursor.ts';
import { quantizedEmbedding as wgsl } from '../generated/quantized-embedding.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import type { QuantizedFormat } from './format.ts';
import { bitsOf, dequantizeInto, quantizedSizes } from './format.ts';

/**
 * [tokens u32 [B, T] or cursor u32 [4 B], packed u32, scales, positions? [P, C]] -> [out [B * T, C], or [B, C]]. Attributes: `format`
 * int8 or nf4; `rows` (V) and `width` (C) of the table. Tokens must be below V, positions below P.
 */
export const quantizedEmbedding: Kernel = {
  name: 'quantizedEmbedding',
  infer([tokens, packed, scales, positions], { format, rows, width }) {
    const sizes = quantizedSizes(format as QuantizedFormat, Number(rows) * Number(width));
    expectTensor('quantizedEmbedding', packed, [sizes.words], 'u32');
    expectTensor('quantizedEmbedding', scales, [sizes.scales]);
    if (positions) expectTensor('quantizedEmbedding', positions, [positions.shape[0]!, Number(width)]);
    return [{ shape: [isCursor(tokens!) ? textsOf(tokens!) : elementsOf(tokens!.shape), Number(width)], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs, attributes }, traits) {
    const [tokens, packed, scales, positions] = inputs as [Tensor, Tensor, Tensor, Tensor?];
    const out = outputs[0]!;
    const elements = elementsOf(out.shape);
    return [
      dispatch(wgsl, {
        entryPoint: 'lookup',
        tensors: { tokens, packed, scales, positions: positions ?? scales, out },
        constants: {
          bits: bitsOf(attributes['format'] as QuantizedFormat),
          at_cursor: isCursor(tokens),
          placed: positions !== undefined,
          time: tokens.shape.at(-1)!,
          width: out.shape[1]!,
          elements,
        },
        workgroups: linearWorkgroups(elements, 64, traits),
      }),
    ];
  },
  reference([tokens, packed, scales, positions], [out], { inputs, attributes }) {
    const width = Number(attributes['width']);
    const format = attributes['format'] as QuantizedFormat;
    const time = inputs[0]!.shape.at(-1)!;
    const values = new Float32Array(width);
    for (let row = 0; row < out!.length / width; row++) {
      const [token, position] = isCursor(inputs[0]!)
        ? [tokens![row * cursorSize]!, tokens![row * cursorSize + 1]!]
        : [tokens![row]!, row % time];
      dequantizeInto(values, packed as Uint32Array, scales as Float32Array, format, token * width);
      for (let c = 0; c < width; c++) out![row * width + c] = values[c]! + rowOf(positions, position * width + c);
    }
  },
};

function isCursor({ shape }: Tensor): boolean {
  return shape.length === 1;
}

function rowOf(positions: View | undefined, at: number): number {
  return positions ? positions[at]! : 0;
}

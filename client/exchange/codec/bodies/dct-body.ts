// Of the coefficients that the cosine transform makes of each tensor's chunks the largest are sent, as DeMo does (arXiv 2411.19870).
// Each chunk is a block of its own (block-stream.ts): among several the one whose gradients are smallest, such as that of the queries
// beside the values, would never be heard. Padding between tensors is not sent.

import { LoomError } from '../../../../shared/errors.ts';
import type { CodecBody } from './body.ts';
import { readBlocks, streamSizes, writeBlocks } from './block-stream.ts';
import type { Blocks, BlockSettings } from './block-stream.ts';
import { chunked, fromCoefficients, toCoefficients } from '../../../../kernels/compress/chunks.ts';
import type { Chunked, TensorPlace } from '../../../../kernels/compress/chunks.ts';

export function dctBody(settings: BlockSettings, layout: readonly TensorPlace[]): CodecBody {
  const tensors = layout.map(chunked);
  const blocks = dctBlocks(tensors);
  const sizes = streamSizes(settings, blocks);
  const count = layout.reduce((sum, { elements }) => sum + elements, 0);
  return {
    id: 5,
    sizes: () => sizes,
    write(difference, body) {
      const coefficients = new Float32Array(count);
      forTensors(tensors, difference, coefficients, toCoefficients);
      return writeBlocks(settings, blocks, coefficients, body);
    },
    read(body, difference) {
      const coefficients = new Float32Array(count);
      readBlocks(settings, blocks, body, coefficients);
      forTensors(tensors, difference, coefficients, (tensor, values, ofTensor) =>
        fromCoefficients(tensor, ofTensor, values),
      );
      if (!difference.every(Number.isFinite))
        throw new LoomError('invalid_frame', 'the coefficients of a payload add up to infinity');
    },
  };
}

/** Chunk after chunk, tensor after tensor. */
export function dctBlocks(tensors: readonly Chunked[]): Blocks {
  return (visit) => {
    let start = 0;
    for (const { place, a, b } of tensors)
      for (const end = start + place.elements; start < end; start += a * b) visit(start, a * b);
  };
}

function forTensors(
  tensors: readonly Chunked[],
  vector: Float32Array,
  coefficients: Float32Array,
  visit: (tensor: Chunked, values: Float32Array, ofTensor: Float32Array) => void,
): void {
  let start = 0;
  for (const tensor of tensors) {
    const { offset, elements } = tensor.place;
    visit(tensor, vector.subarray(offset, offset + elements), coefficients.subarray(start, start + elements));
    start += elements;
  }
}

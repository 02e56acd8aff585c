// Gradients, or differences, as the largest cosine coefficients of each chunk (DeMo, arXiv 2411.19870), made on the device: the
// transform, error feedback on coefficients, which an orthonormal basis leaves as it is, and the choice of compress.ts with chunks
// for blocks. What is not sent stays on the device as coefficients, so that nothing is ever transformed back there.

import { compress as compressWgsl } from '../generated/compress.ts';
import { dct as wgsl } from '../generated/dct.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect } from '../plan/expect.ts';
import type { Attributes, Kernel, Tensor } from '../plan/op.ts';
import { splitElements, splitRows } from '../plan/split.ts';
import { sumSquares } from '../reduce/reduce.ts';
import { basisOf, chunked } from './chunks.ts';
import type { Chunked, TensorPlace } from './chunks.ts';
import { chunksReference, correctedChangeReference, dctReference, descentReference } from './dct.reference.ts';
import type { ChunksAttributes, DctAttributes } from './dct.reference.ts';
import { recordHeader, sentOf } from './records.ts';
import type { LargestSettings } from './records.ts';

/** Where the records of a tensor's chunks lie among all. */
export interface ChunkRecords {
  readonly tensor: Chunked;
  readonly chunks: number;
  readonly first: number; // word, a multiple of 64
  readonly stride: number; // words of a chunk's record
  readonly sent: number; // of a chunk's coefficients
}

/** Of each tensor in its order: of each chunk's sent coefficients index | code << 16, ascending, after the header. */
export function chunkRecords(layout: readonly TensorPlace[], { density }: LargestSettings): ChunkRecords[] {
  let next = 0;
  return layout.map((place) => {
    const tensor = chunked(place);
    const size = tensor.a * tensor.b;
    const [chunks, sent] = [place.elements / size, sentOf(size, density)];
    const records = { tensor, chunks, first: next, stride: recordHeader + sent, sent };
    next = Math.ceil((next + chunks * records.stride) / 64) * 64;
    return records;
  });
}

/** What error feedback keeps, and its input: see `compressParameters`. */
export interface Held {
  readonly residual: Tensor;
  readonly wanted: Tensor;
  readonly rest: Tensor;
  readonly settings: Tensor;
}

/**
 * Lists what makes the state `compress.records` of a change [P] of all parameters, which are declared.
 * @param held null sends each change by itself
 */
export function listCoefficients(
  builder: PlanBuilder,
  change: Tensor,
  settings: LargestSettings,
  held: Held | null,
): void {
  const layout = chunkRecords(builder.layout(), settings);
  const coefficients = listTransform(builder, change, layout);
  if (held !== null)
    builder.update(correctedChangeKernel, [coefficients, held.settings, held.rest], [held.residual, held.wanted]);
  const unsaid = held?.rest ?? builder.state('compress.rest', change.shape);
  listChoice(builder, held?.wanted ?? coefficients, unsaid, layout, settings);
}

function listTransform(builder: PlanBuilder, change: Tensor, layout: readonly ChunkRecords[]): Tensor {
  const coefficients = builder.state('compress.coefficients', change.shape);
  const sides = new Set(layout.flatMap(({ tensor: { a, b } }) => [a, b]));
  const bases = new Map(
    Array.from(sides, (side) => [side, builder.constant(`compress.basis.${side}`, [side, side], basisOf(side))]),
  );
  for (const { tensor } of layout) {
    const { place, n, a, b } = tensor;
    const attributes = { first: place.offset, elements: place.elements, n, a, b };
    builder.update(dctKernel, [change, bases.get(a)!, bases.get(b)!], [coefficients], attributes);
  }
  return coefficients;
}

/** @param x [P] @param unsaid becomes what the records do not say of x */
function listChoice(
  builder: PlanBuilder,
  x: Tensor,
  unsaid: Tensor,
  layout: readonly ChunkRecords[],
  { bits }: LargestSettings,
): void {
  const words = Math.max(...layout.map(({ first, stride, chunks }) => first + chunks * stride));
  const records = builder.state('compress.records', [words], 'u32');
  for (const { tensor, first: record, stride, sent } of layout) {
    const { place, a, b } = tensor;
    const attributes = {
      first: place.offset,
      elements: place.elements,
      block: a * b,
      words,
      record,
      stride,
      sent,
      bits,
    };
    builder.update(chunksKernel, [x], [records, unsaid], attributes);
  }
}

/** Lists which way gradients [P] say that parameters should go, clipped: [P]. */
export function listDescent(builder: PlanBuilder, gradients: Tensor, maxNorm: number): Tensor {
  const squares = sumSquares(builder, gradients, 'compress.squares');
  return builder.op(descentKernel, [gradients, squares], { maxNorm }, ['compress.change'])[0];
}

/** [gradients [P], squares [1]] -> [change [P]]. */
export const descentKernel: Kernel = {
  name: 'descent',
  infer: ([gradients]) => [{ shape: gradients!.shape, dtype: 'f32' }],
  dispatches({ inputs, outputs, attributes }, traits) {
    const [gradients, squares] = inputs as [Tensor, Tensor];
    return splitElements(gradients.shape[0]!, traits).map((range) => {
      const part = (tensor: Tensor) => ({ tensor, range });
      return dispatch(wgsl, {
        entryPoint: 'descent',
        tensors: { x: part(gradients), squares, y: part(outputs[0]!) },
        constants: { elements: range.elements, max_norm: attributes['maxNorm'] as number },
        workgroups: linearWorkgroups(range.elements, 64, traits),
      });
    });
  },
  reference: descentReference,
};

/** [change [P], basis [a, a], basis [b, b]] changes the part of [coefficients [P]] that a tensor has. */
export const dctKernel: Kernel = {
  name: 'dct',
  inPlace: true,
  infer: ([change]) => [{ shape: change!.shape, dtype: 'f32' }],
  dispatches({ inputs, outputs, attributes }, traits) {
    const [x, row_basis, column_basis] = inputs as [Tensor, Tensor, Tensor];
    const { first, elements, n, a, b } = attributes as DctAttributes;
    return splitRows(elements / (a * n), a * n, traits).map((bands) => {
      const range = { first: first + bands.first * a * n, elements: bands.rows * a * n };
      return dispatch(wgsl, {
        entryPoint: 'dct',
        tensors: { x: { tensor: x, range }, row_basis, column_basis, y: { tensor: outputs[0]!, range } },
        constants: { elements: range.elements, n, a, b, lanes: traits.isCpu ? 4 : 128 },
        workgroups: linearWorkgroups(range.elements / (a * b), 1, traits),
      });
    });
  },
  reference: (inputs, outputs, { attributes }) => dctReference(inputs, outputs, attributes as DctAttributes),
};

/** [change [P], settings [2], rest [P]] changes [residual [P], wanted [P]], as `correctedKernel`. */
export const correctedChangeKernel: Kernel = {
  name: 'corrected-change',
  inPlace: true,
  infer: ([change]) => [
    { shape: change!.shape, dtype: 'f32' },
    { shape: change!.shape, dtype: 'f32' },
  ],
  dispatches({ inputs, outputs }, traits) {
    const [x, settings, rest] = inputs as [Tensor, Tensor, Tensor];
    const [residual, wanted] = outputs as [Tensor, Tensor];
    return splitElements(x.shape[0]!, traits).map((range) => {
      const part = (tensor: Tensor) => ({ tensor, range });
      const tensors = { x: part(x), settings, rest: part(rest), residual: part(residual), wanted: part(wanted) };
      const constants = { elements: range.elements };
      const workgroups = linearWorkgroups(range.elements, 64, traits);
      return dispatch(compressWgsl, { entryPoint: 'corrected_change', tensors, constants, workgroups });
    });
  },
  reference: correctedChangeReference,
};

/** [coefficients [P]] changes [records u32, what they do not say [P]] where one tensor has its part. */
export const chunksKernel: Kernel = {
  name: 'chunks',
  inPlace: true,
  infer([coefficients], attributes) {
    const { block, sent, words } = chunksIn(attributes);
    expect('chunks', block <= 4096 && sent <= block, `${sent} of ${block} elements`);
    return [
      { shape: [words], dtype: 'u32' },
      { shape: coefficients!.shape, dtype: 'f32' },
    ];
  },
  dispatches({ inputs, outputs, attributes }, traits) {
    const [x, [records, unsaid]] = [inputs[0]!, outputs as [Tensor, Tensor]];
    const { first, elements, block, record, stride, sent, bits } = chunksIn(attributes);
    return splitRows(elements / block, block, traits).map((blocks) => {
      const range = { first: first + blocks.first * block, elements: blocks.rows * block };
      const words = { first: record + blocks.first * stride, elements: blocks.rows * stride };
      const sizes = { elements: range.elements, blocks: blocks.rows, block_size: block, stride };
      return dispatch(compressWgsl, {
        entryPoint: 'largest_elements',
        tensors: {
          x: { tensor: x, range },
          records: { tensor: records, range: words },
          unsaid: { tensor: unsaid, range },
        },
        constants: { ...sizes, lanes: traits.isCpu ? 4 : 128, bits, dense: false, sent, last_sent: sent },
        workgroups: linearWorkgroups(blocks.rows, 1, traits),
      });
    });
  },
  reference: (inputs, outputs, { attributes }) => chunksReference(inputs, outputs, chunksIn(attributes)),
};

function chunksIn(attributes: Attributes): ChunksAttributes {
  return attributes as unknown as ChunksAttributes;
}

// The CPU backend's attention: the reference's sums as small matrix products over blocks of query rows, one head at a time.
// Only blocks up to the diagonal are multiplied, and what a block computes beyond it is masked.

import type { CpuPath, View } from '../plan/op.ts';
import type { Gemm, Wasm } from '../wasm/wasm.ts';
import type { AttentionShape } from './attention.reference.ts';
import { attentionShape, sharedColumn } from './attention.reference.ts';

/** Query rows a block: small enough to skip what lies beyond the diagonal, large enough for a product. */
const blockRows = 32;

export const attentionCpu: CpuPath = {
  scratch: (op) => blockRows * attentionShape(op).time,
  run([qkv], [out, logsumexp], op, wasm, scores) {
    const shape = attentionShape(op);
    forEachBlock(shape, (block) => {
      const { rows, columns } = block;
      const weights = { pointer: scores.byteOffset, stride: columns };
      const at = pointersOf(qkv!, block, shape);
      multiply(wasm, [rows, columns, shape.headSize], at.query, at.keys, weights, { transposeB: true });
      softmaxRows(wasm, scores, logsumexp!, block, shape.scale);
      multiply(wasm, [rows, shape.headSize, columns], weights, at.values, outputOf(out!, block, shape));
    });
  },
};

export const attentionGradientCpu: CpuPath = {
  scratch: (op) => 2 * blockRows * attentionShape(op).time,
  run([qkv, out, logsumexp, gradient], [qkvGradient], op, wasm, scratch) {
    const shape = attentionShape(op);
    const { headSize } = shape;
    const half = scratch.length / 2;
    const [scores, agreements] = [scratch.subarray(0, half), scratch.subarray(half)];
    qkvGradient!.fill(0);
    forEachBlock(shape, (block) => {
      const { rows, columns } = block;
      const weights = { pointer: scores.byteOffset, stride: columns };
      const slopes = { pointer: agreements.byteOffset, stride: columns };
      const at = pointersOf(qkv!, block, shape);
      const into = pointersOf(qkvGradient!, block, shape);
      const above = outputOf(gradient!, block, shape);
      multiply(wasm, [rows, columns, headSize], at.query, at.keys, weights, { transposeB: true });
      multiply(wasm, [rows, columns, headSize], above, at.values, slopes, { transposeB: true });
      slopesOfScores(wasm, scores, agreements, { out: out!, gradient: gradient!, logsumexp: logsumexp! }, block, shape);
      multiply(wasm, [rows, headSize, columns], slopes, at.keys, into.query);
      multiply(wasm, [columns, headSize, rows], slopes, at.query, into.keys, { transposeA: true, accumulate: true });
      multiply(wasm, [columns, headSize, rows], weights, above, into.values, { transposeA: true, accumulate: true });
    });
  },
};

/** Some query rows of one head, and the keys that any of them sees. */
interface Block {
  readonly first: number; // query
  readonly rows: number;
  readonly columns: number; // keys 0 .. columns - 1
  readonly sequence: number; // first row of the sequence in qkv
  readonly head: number; // 0 .. H - 1
  readonly firstLogsumexp: number; // of the first query, in [B, H, T]
}

function forEachBlock(shape: AttentionShape, visit: (block: Block) => void): void {
  const { batch, time, heads } = shape;
  for (let number = 0; number < batch * heads; number++) {
    const sequence = Math.floor(number / heads) * time;
    const head = number % heads;
    for (let first = 0; first < time; first += blockRows) {
      const rows = Math.min(blockRows, time - first);
      visit({ first, rows, columns: first + rows, sequence, head, firstLogsumexp: number * time + first });
    }
  }
}

/** A matrix in memory. */
interface Matrix {
  readonly pointer: number; // bytes
  readonly stride: number; // elements from one row to the next
}

/** The block's queries, and the keys and values of its head from the start, in qkv or its gradient. */
function pointersOf(qkv: View, { first, sequence, head }: Block, shape: AttentionShape) {
  const { headSize, width } = shape;
  const matrix = (row: number, column: number): Matrix => ({
    pointer: qkv.byteOffset + 4 * (row * width + column),
    stride: width,
  });
  return {
    query: matrix(sequence + first, head * headSize),
    keys: matrix(sequence, sharedColumn(shape, head, 'key')),
    values: matrix(sequence, sharedColumn(shape, head, 'value')),
  };
}

function outputOf(out: View, { first, sequence, head }: Block, { heads, headSize }: AttentionShape): Matrix {
  return { pointer: out.byteOffset + 4 * ((sequence + first) * heads + head) * headSize, stride: heads * headSize };
}

function multiply(
  wasm: Wasm,
  [m, n, k]: readonly [number, number, number],
  a: Matrix,
  b: Matrix,
  c: Matrix,
  options: Pick<Gemm, 'transposeA' | 'transposeB' | 'accumulate'> = {},
): void {
  wasm.gemm({
    m,
    n,
    k,
    a: a.pointer,
    lda: a.stride,
    b: b.pointer,
    ldb: b.stride,
    c: c.pointer,
    ldc: c.stride,
    ...options,
  });
}

/** Turns scores [rows, columns] into weights, zero beyond the diagonal, and saves each row's logsumexp. */
function softmaxRows(wasm: Wasm, scores: Float32Array, logsumexp: View, block: Block, scale: number): void {
  const { first, rows, columns, firstLogsumexp } = block;
  for (let row = 0; row < rows; row++) {
    const at = row * columns;
    const seen = first + row + 1;
    const from = scores.byteOffset + 4 * at;
    const highest = wasm.scaleRow(from, seen, scale);
    const sum = wasm.exponentials(from, seen, highest);
    wasm.scaleRow(from, seen, 1 / sum);
    scores.fill(0, at + seen, at + columns);
    logsumexp[firstLogsumexp + row] = highest + Math.log(sum);
  }
}

/** Turns scores into weights, and agreements (gradient . value) into the gradients of the unscaled scores. */
function slopesOfScores(
  wasm: Wasm,
  scores: Float32Array,
  agreements: Float32Array,
  saved: { readonly out: View; readonly gradient: View; readonly logsumexp: View },
  block: Block,
  { heads, headSize, scale }: AttentionShape,
): void {
  const { first, rows, columns, sequence, head, firstLogsumexp } = block;
  for (let row = 0; row < rows; row++) {
    const output = ((sequence + first + row) * heads + head) * headSize;
    let mean = 0;
    for (let d = output; d < output + headSize; d++) mean += saved.gradient[d]! * saved.out[d]!;
    const at = row * columns;
    const seen = first + row + 1;
    const [weights, slopes] = [scores.byteOffset + 4 * at, agreements.byteOffset + 4 * at];
    wasm.scaleRow(weights, seen, scale);
    wasm.exponentials(weights, seen, saved.logsumexp[firstLogsumexp + row]!);
    wasm.softmaxGradientRow(weights, slopes, seen, mean, scale);
    scores.fill(0, at + seen, at + columns);
    agreements.fill(0, at + seen, at + columns);
  }
}

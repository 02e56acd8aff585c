// The LM head with its cross-entropy as one op: logits exist for a chunk of the vocabulary at a time, and become their own
// gradient in place, so that [R, V] is never held whole. The backward pass computes each chunk's logits again.

import { crossEntropy as rowTotalWgsl } from '../generated/cross-entropy.ts';
import { crossEntropyTiled as tiledTotalWgsl } from '../generated/cross-entropy-tiled.ts';
import { headChunk as rowWgsl } from '../generated/head-chunk.ts';
import { headChunkTiled as tiledWgsl } from '../generated/head-chunk-tiled.ts';
import { matmul } from '../matmul/matmul.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import { InnerOps } from '../plan/inner.ts';
import type { DeviceTraits, Kernel, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { headLossCpu, headLossGradientCpu } from './head-loss.cpu.ts';
import { headLossGradientReference, headLossReference } from './head-loss.reference.ts';

/** Elements of the chunk of logits that is held: 64 MiB. */
const chunkElements = 2 ** 24;

/**
 * The mean over the rows of -log softmax(x table^T)[target], in nats: as `crossEntropy` of the product, without its memory.
 * @param x [R, C]; @param table [V, C]; @param targets u32 with R elements; rows whose target is V or more are left out
 * @returns [1]; 0 when every row is left out. What is not finite does as in `crossEntropy`; in the table it also reaches the
 *   gradients of rows that are left out
 */
export function headLoss(builder: PlanBuilder, x: Tensor, table: Tensor, targets: Tensor, name = 'loss'): Tensor {
  return builder.op(headLossKernel, [x, table, targets], {}, [name, `${name}.weight`, `${name}.logsumexp`])[0];
}

/**
 * [x [R, C], table [V, C], targets u32 [R]] -> [loss [1], weight [1] = 1 / rows counted, logsumexp [R]]. The attribute `chunk`
 * forces the columns of a chunk, a multiple of 64.
 */
export const headLossKernel: Kernel = {
  name: 'headLoss',
  infer(inputs) {
    const { rows } = sizesOf('headLoss', inputs);
    return [[1], [1], [rows]].map((shape) => ({ shape, dtype: 'f32' }));
  },
  dispatches(op, traits, scratch) {
    const [x, table, targets] = op.inputs as [Tensor, Tensor, Tensor];
    const [loss, weight, logsumexp] = op.outputs as [Tensor, Tensor, Tensor];
    const { rows, vocabulary } = sizesOf('headLoss', op.inputs);
    const inner = new InnerOps(traits, scratch);
    const [known, row_losses] = [inner.scratch('known', [4 * rows]), inner.scratch('row losses', [rows])];
    const chunks = chunksOf(op, traits);
    for (const { first, width } of chunks) {
      const logits = inner.scratch('logits', [rows, width]);
      inner.list(matmul, [x, inner.rows(table, first, width)], [logits], { layout: 'nt' });
      const is_last = first + width === vocabulary;
      inner.add(
        dispatch(traits.isCpu ? rowWgsl : tiledWgsl, {
          entryPoint: 'fold',
          tensors: { logits, targets, known, logsumexp, row_losses },
          constants: { rows, width, first_column: first, vocabulary, is_first: first === 0, is_last },
          workgroups: linearWorkgroups(rows, traits.isCpu ? 64 : 1, traits),
        }),
      );
    }
    inner.add(
      dispatch(traits.isCpu ? rowTotalWgsl : tiledTotalWgsl, {
        entryPoint: 'total',
        tensors: { losses: row_losses, targets, loss, weight },
        constants: { all_rows: rows, vocabulary },
        workgroups: [1, 1, 1],
      }),
    );
    return inner.dispatches;
  },
  reference: headLossReference,
  cpu: headLossCpu,
  adjoint({ inputs, outputs, attributes }, builder) {
    const [x, table] = inputs as [Tensor, Tensor];
    const [loss, weight, logsumexp] = outputs as [Tensor, Tensor, Tensor];
    const given = [...inputs, weight, logsumexp, builder.gradientOf(loss)!];
    const intoX = builder.contribute(x) ?? builder.temporary('unused', x.shape);
    const intoTable = builder.contribute(table);
    const targets = intoTable ? [intoX, intoTable] : [intoX];
    builder.op(headLossGradientKernel, given, targets, { ...attributes, table: intoTable !== null });
  },
};

/**
 * [x [R, C], table [V, C], targets u32 [R], weight [1], logsumexp [R], gradient of the loss [1]] -> [gradient of x [R, C], and
 * with the attribute `table` that of the table [V, C]].
 */
export const headLossGradientKernel: Kernel = {
  name: 'headLossGradient',
  infer(inputs, { table }) {
    const { rows } = sizesOf('headLossGradient', inputs);
    expectTensor('headLossGradient', inputs[4], [rows]);
    expectTensor('headLossGradient', inputs[5], [1]);
    return inputs.slice(0, table ? 2 : 1).map(({ shape }) => ({ shape, dtype: 'f32' }));
  },
  dispatches(op, traits, scratch) {
    const [x, table, targets, weight, known_logsumexp, gradient] = op.inputs as Tensor[] as Six;
    const [intoX, intoTable] = op.outputs as [Tensor, Tensor?];
    const { rows, vocabulary } = sizesOf('headLossGradient', op.inputs);
    const inner = new InnerOps(traits, scratch);
    let sum: Tensor | null = null; // of x's gradient over the chunks so far
    for (const [index, { first, width }] of chunksOf(op, traits).entries()) {
      const chunk = inner.scratch('logits', [rows, width]);
      const part = inner.rows(table, first, width);
      inner.list(matmul, [x, part], [chunk], { layout: 'nt' });
      inner.add(
        dispatch(rowWgsl, {
          entryPoint: 'differentiate',
          tensors: { chunk, targets, weight, known_logsumexp, gradient },
          constants: { elements: rows * width, width, first_column: first, vocabulary },
          workgroups: linearWorkgroups(rows * width, 64, traits),
        }),
      );
      const target: Tensor = first + width === vocabulary ? intoX : inner.scratch(`sum ${index % 2}`, x.shape);
      if (sum) inner.list(matmul, [chunk, part, sum], [target], { layout: 'nn', extra: 'add', gradient: 'a' });
      else inner.list(matmul, [chunk, part], [target], { layout: 'nn', gradient: 'a' });
      sum = target;
      if (intoTable)
        inner.list(matmul, [chunk, x], [inner.rows(intoTable, first, width)], { layout: 'tn', gradient: 'a' });
    }
    return inner.dispatches;
  },
  reference: headLossGradientReference,
  cpu: headLossGradientCpu,
};

type Six = [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

function sizesOf(kernel: string, [x, table, targets]: readonly Tensor[]): { rows: number; vocabulary: number } {
  const [rows, width] = expectMatrix(kernel, x);
  const [vocabulary] = expectMatrix(kernel, table);
  expectTensor(kernel, table, [vocabulary, width]);
  expect(kernel, targets?.dtype === 'u32' && elementsOf(targets.shape) === rows, `no target for each of ${rows} rows`);
  return { rows, vocabulary };
}

/** Columns of the vocabulary for which logits fit: chunks begin at multiples of 64. */
function chunksOf({ inputs, attributes }: Op, traits: DeviceTraits): { first: number; width: number }[] {
  const [rows, depth] = inputs[0]!.shape as [number, number];
  const vocabulary = inputs[1]!.shape[0]!;
  const bound = traits.maxBindingBytes / 4;
  const fitting = Math.floor(Math.min(Math.min(chunkElements, bound) / rows, bound / depth) / 64) * 64;
  const width = Number(attributes['chunk'] ?? Math.max(64, fitting));
  const count = Math.ceil(vocabulary / width);
  return Array.from({ length: count }, (_, i) => ({
    first: i * width,
    width: Math.min(width, vocabulary - i * width),
  }));
}

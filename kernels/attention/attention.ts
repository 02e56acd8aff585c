// Causal multi-head self-attention over a fused qkv, forward and backward, without a T x T matrix in memory.
// Attention: Vaswani et al. 2017, arXiv:1706.03762. Saved logsumexp: Dao et al. 2022, arXiv:2205.14135.

import { attention as queryWgsl } from '../generated/attention.ts';
import { attentionGradient as queryGradientWgsl } from '../generated/attention-gradient.ts';
import { attentionGradientTiled as tiledGradientWgsl } from '../generated/attention-gradient-tiled.ts';
import { attentionTiled as tiledWgsl } from '../generated/attention-tiled.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import type { DeviceTraits, Kernel, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { attentionCpu, attentionGradientCpu } from './attention.cpu.ts';
import type { AttentionAttributes } from './attention.reference.ts';
import { attentionGradientReference, attentionReference, attentionShape } from './attention.reference.ts';

/** The largest head size: what the WGSL keeps in an invocation. */
const mostHeadSize = 128;

/**
 * softmax(q k' / sqrt(D)) v for each head of each sequence; a position sees itself and what lies before it.
 * @param qkv [B * T, 3 C]: q, k and v of a row one after the other, each its heads in order
 * @param options.time T
 * @param options.heads H, a divisor of C; D = C / H is at most 128
 * @returns [B * T, C]
 */
export function attend(
  builder: PlanBuilder,
  qkv: Tensor,
  { time, heads, name = 'attention' }: { time: number; heads: number; name?: string },
): Tensor {
  const scale = 1 / Math.sqrt(qkv.shape[1]! / 3 / heads);
  return builder.op(attentionKernel, [qkv], { time, heads, scale }, [name, `${name}.logsumexp`])[0];
}

/** [qkv [B * T, 3 C]] -> [out [B * T, C], logsumexp of each query's scaled scores [B, H, T]]. */
export const attentionKernel: Kernel = {
  name: 'attention',
  infer([qkv], attributes) {
    const { time, heads } = attributes as AttentionAttributes;
    const [rows, width] = expectMatrix('attention', qkv);
    const isWhole = rows % time === 0 && width % (3 * heads) === 0;
    expect('attention', isWhole, `[${rows}, ${width}] is not whole sequences of ${time} and 3 times ${heads} heads`);
    const headSize = width / 3 / heads;
    expect('attention', headSize <= mostHeadSize, `a head size of ${headSize} is above ${mostHeadSize}`);
    return [
      { shape: [rows, width / 3], dtype: 'f32' },
      { shape: [rows / time, heads, time], dtype: 'f32' },
    ];
  },
  dispatches(op, traits) {
    const [out, logsumexp] = op.outputs as [Tensor, Tensor];
    const tensors = { qkv: op.inputs[0]!, out, logsumexp };
    const call = { entryPoint: 'forward', tensors } as const;
    return traits.isCpu
      ? [dispatch(queryWgsl, { ...call, ...gridOfQueries(op, traits) })]
      : [dispatch(tiledWgsl, { ...call, ...gridOfTiles(op, traits) })];
  },
  reference: attentionReference,
  cpu: attentionCpu,
  adjoint({ inputs, outputs, attributes }, builder) {
    const [out, logsumexp] = outputs as [Tensor, Tensor];
    const target = builder.contribute(inputs[0]!);
    if (!target) return;
    builder.op(attentionGradientKernel, [inputs[0]!, out, logsumexp, builder.gradientOf(out)!], [target], attributes);
  },
};

/** [qkv [B * T, 3 C], out [B * T, C], logsumexp [B, H, T], gradient of out [B * T, C]] -> [gradient of qkv [B * T, 3 C]]. */
export const attentionGradientKernel: Kernel = {
  name: 'attentionGradient',
  infer([qkv, out, , gradient]) {
    const [rows, width] = expectMatrix('attentionGradient', qkv);
    expectTensor('attentionGradient', out, [rows, width / 3]);
    expectTensor('attentionGradient', gradient, [rows, width / 3]);
    return [{ shape: [rows, width], dtype: 'f32' }];
  },
  dispatches(op, traits, scratch) {
    const [qkv, out, logsumexp, gradient] = op.inputs as [Tensor, Tensor, Tensor, Tensor];
    const means = scratch('means', elementsOf(logsumexp.shape));
    const tensors = { qkv, logsumexp, gradient, means, qkv_gradient: op.outputs[0]! };
    const queries = { entryPoint: 'queries', tensors: { ...tensors, out } } as const;
    const keys = { entryPoint: 'keys', tensors } as const;
    if (traits.isCpu) {
      const grid = gridOfQueries(op, traits);
      return [dispatch(queryGradientWgsl, { ...queries, ...grid }), dispatch(queryGradientWgsl, { ...keys, ...grid })];
    }
    const grid = gridOfTiles(op, traits);
    return [dispatch(tiledGradientWgsl, { ...queries, ...grid }), dispatch(tiledGradientWgsl, { ...keys, ...grid })];
  },
  reference: attentionGradientReference,
  cpu: attentionGradientCpu,
};

/** One invocation a query or key: for software adapters. */
function gridOfQueries(op: Op, traits: DeviceTraits) {
  const constants = constantsOf(op);
  const queries = constants.batch * constants.heads * constants.time;
  return { constants, workgroups: linearWorkgroups(queries, 64, traits) };
}

/** One workgroup a tile of queries or keys: for GPUs. */
function gridOfTiles(op: Op, traits: DeviceTraits) {
  const constants = constantsOf(op);
  const tile = constants.head_size > 64 ? 16 : 32;
  const tiles = constants.batch * constants.heads * Math.ceil(constants.time / tile);
  return { constants: { ...constants, tile }, workgroups: linearWorkgroups(tiles, 1, traits) };
}

function constantsOf(op: Op) {
  const { batch, time, heads, headSize, scale } = attentionShape(op);
  return { batch, time, heads, head_size: headSize, scale };
}

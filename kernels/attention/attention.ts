// Causal multi-head self-attention over a fused qkv, forward and backward, without a T x T matrix in memory.
// Attention: Vaswani et al. 2017, arXiv:1706.03762. Heads of queries that share keys and values: Ainslie et al. 2023,
// arXiv:2305.13245. Saved logsumexp: Dao et al. 2022, arXiv:2205.14135.

import { attention as queryWgsl } from '../generated/attention.ts';
import { attentionGradient as queryGradientWgsl } from '../generated/attention-gradient.ts';
import { attentionGradientTiled as tiledGradientWgsl } from '../generated/attention-gradient-tiled.ts';
import { attentionTiled as tiledWgsl } from '../generated/attention-tiled.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import type { DeviceTraits, Dispatch, Kernel, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { attentionCpu, attentionGradientCpu } from './attention.cpu.ts';
import type { AttentionAttributes } from './attention.reference.ts';
import { attentionGradientReference, attentionReference, attentionShape } from './attention.reference.ts';
import { anglesOf, listApart, turnedCpu, turnedReference, turnsInTiles } from './turned.ts';

/** The largest head size: what the WGSL keeps in an invocation. */
const mostHeadSize = 128;

/**
 * softmax(q k' / sqrt(D)) v for each head of each sequence; a position sees itself and what lies before it.
 * @param qkv [B * T, (H + 2 K) D]: q, k and v of a row one after the other, each its heads in order
 * @param options.time T
 * @param options.angles turns q and k by their positions: [T, D / 2, 2], from `rotaryTable`; RoFormer: Su et al. 2021, arXiv:2104.09864
 * @param options.heads H, of queries
 * @param options.kvHeads K, of keys and values, a divisor of H; default H. Head h of the queries uses head h K / H.
 *   The head size D is at most 128.
 * @returns [B * T, H D]. An element that is not finite shows in its sequence, also before its own position (a hidden weight is a
 *   zero, and 0 times NaN is NaN), and in no other
 */
export function attend(
  builder: PlanBuilder,
  qkv: Tensor,
  options: { time: number; heads: number; kvHeads?: number; angles?: Tensor | null; name?: string },
): Tensor {
  const { time, heads, kvHeads = heads, angles, name = 'attention' } = options;
  const scale = 1 / Math.sqrt(qkv.shape[1]! / (heads + 2 * kvHeads));
  return builder.op(attentionKernel, angles ? [qkv, angles] : [qkv], { time, heads, kvHeads, scale }, [
    name,
    `${name}.logsumexp`,
  ])[0];
}

/** [qkv [B * T, (H + 2 K) D], angles? [T, D / 2, 2]] -> [out [B * T, H D], logsumexp of each query's scaled scores [B, H, T]]. */
export const attentionKernel: Kernel = {
  name: 'attention',
  infer([qkv, angles], attributes) {
    const { time, heads, kvHeads } = attributes as AttentionAttributes;
    const [rows, width] = expectMatrix('attention', qkv);
    const headSize = width / (heads + 2 * kvHeads);
    const isWhole = rows % time === 0 && Number.isInteger(headSize);
    expect(
      'attention',
      isWhole,
      `[${rows}, ${width}] is not whole sequences of ${time} and ${heads} + 2 * ${kvHeads} heads`,
    );
    expect('attention', heads % kvHeads === 0, `${heads} heads cannot share ${kvHeads}`);
    expect('attention', headSize <= mostHeadSize, `a head size of ${headSize} is above ${mostHeadSize}`);
    if (angles) expectTensor('attention', angles, [time, headSize / 2, 2]);
    return [
      { shape: [rows, heads * headSize], dtype: 'f32' },
      { shape: [rows / time, heads, time], dtype: 'f32' },
    ];
  },
  dispatches: (op, traits, scratch) =>
    anglesOf(op, 1) && !turnsInTiles(op, traits)
      ? listApart(op, 1, (plain) => listForward(plain, traits, scratch), traits, scratch)
      : listForward(op, traits, scratch),
  reference: turnedReference(attentionReference, 1),
  cpu: turnedCpu(attentionCpu, 1),
  adjoint({ inputs, outputs, attributes }, builder) {
    const [out, logsumexp] = outputs as [Tensor, Tensor];
    const target = builder.contribute(inputs[0]!);
    if (!target) return;
    const [qkv, ...angles] = inputs as [Tensor, ...Tensor[]];
    const given = [qkv, out, logsumexp, builder.gradientOf(out)!, ...angles];
    builder.op(attentionGradientKernel, given, [target], attributes);
  },
};

/** [qkv, out, logsumexp as above, gradient of out [B * T, H D], angles?] -> [gradient of qkv [B * T, (H + 2 K) D]]. */
export const attentionGradientKernel: Kernel = {
  name: 'attentionGradient',
  infer([qkv, out, , gradient]) {
    const [rows, width] = expectMatrix('attentionGradient', qkv);
    const [, outWidth] = expectMatrix('attentionGradient', out);
    expectTensor('attentionGradient', gradient, [rows, outWidth]);
    return [{ shape: [rows, width], dtype: 'f32' }];
  },
  dispatches: (op, traits, scratch) =>
    anglesOf(op, 4) && !turnsInTiles(op, traits)
      ? listApart(op, 4, (plain) => listBackward(plain, traits, scratch), traits, scratch)
      : listBackward(op, traits, scratch),
  reference: turnedReference(attentionGradientReference, 4),
  cpu: turnedCpu(attentionGradientCpu, 4),
};

function listForward(op: Op, traits: DeviceTraits, scratch: Scratch): Dispatch[] {
  const [out, logsumexp] = op.outputs as [Tensor, Tensor];
  const [qkv] = op.inputs as [Tensor];
  const angles = anglesOf(op, 1);
  const tensors = { qkv, out, logsumexp };
  const { heads } = attentionShape(op);
  if (traits.isCpu)
    return [dispatch(queryWgsl, { entryPoint: 'forward', tensors, ...gridOfPlaces(op, heads, traits) })];
  const { constants, workgroups } = gridOfTiles(op, heads, traits);
  const call = { constants: { ...constants, turns: angles !== undefined }, workgroups };
  const withAngles = { ...tensors, angles: angles ?? scratch('angles', 2) };
  return [dispatch(tiledWgsl, { entryPoint: 'forward', tensors: withAngles, ...call })];
}

type Scratch = Parameters<Kernel['dispatches']>[2];

function listBackward(op: Op, traits: DeviceTraits, scratch: Scratch): Dispatch[] {
  const [qkv, out, logsumexp, gradient] = op.inputs as [Tensor, Tensor, Tensor, Tensor];
  const tensors = { qkv, out, logsumexp, gradient, qkv_gradient: op.outputs[0]! };
  const { heads, kvHeads } = attentionShape(op);
  if (!traits.isCpu) {
    const angles = anglesOf(op, 4);
    const { constants, workgroups } = gridOfTiles(op, heads + kvHeads, traits);
    const call = { constants: { ...constants, turns: angles !== undefined }, workgroups };
    const withAngles = { ...tensors, angles: angles ?? scratch('angles', 2) };
    return [dispatch(tiledGradientWgsl, { entryPoint: 'backward', tensors: withAngles, ...call })];
  }
  const withMeans = { ...tensors, means: scratch('means', elementsOf(logsumexp.shape)) };
  return [
    dispatch(queryGradientWgsl, { entryPoint: 'queries', tensors: withMeans, ...gridOfPlaces(op, heads, traits) }),
    dispatch(queryGradientWgsl, { entryPoint: 'keys', tensors: withMeans, ...gridOfPlaces(op, kvHeads, traits) }),
  ];
}

/** One invocation four queries or keys of so many heads: for software adapters. */
function gridOfPlaces(op: Op, heads: number, traits: DeviceTraits) {
  const constants = constantsOf(op);
  const places = constants.batch * heads * Math.ceil(constants.time / 4);
  return { constants, workgroups: linearWorkgroups(places, 16, traits) };
}

/** One workgroup a tile of queries or keys of so many heads: for GPUs. */
function gridOfTiles(op: Op, heads: number, traits: DeviceTraits) {
  const constants = constantsOf(op);
  const tile = constants.head_size > 64 ? 16 : 32;
  const tiles = constants.batch * heads * Math.ceil(constants.time / tile);
  return { constants: { ...constants, tile }, workgroups: linearWorkgroups(tiles, 1, traits) };
}

function constantsOf(op: Op) {
  const { batch, time, heads, kvHeads, headSize, scale } = attentionShape(op);
  return { batch, time, heads, kv_heads: kvHeads, head_size: headSize, scale };
}

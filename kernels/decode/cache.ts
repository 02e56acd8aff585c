// Keys and values of the positions so far, kept on the device: appending to them, and attention of one query over them.
// Heads of queries that share keys and values: Ainslie et al. 2023, arXiv:2305.13245.

import { cacheAppend as appendWgsl } from '../generated/cache-append.ts';
import { cacheAttention as attentionWgsl } from '../generated/cache-attention.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Attributes, Kernel, Op, Tensor } from '../plan/op.ts';
import { cacheAttentionCpu } from './cache.cpu.ts';
import type { CacheAttributes, CacheShape } from './cache.reference.ts';
import { cacheAppendReference, cacheAttentionReference, cacheShape } from './cache.reference.ts';
import { cursorSize } from './cursor.ts';

/** The largest head size: what the WGSL keeps in an invocation. */
const mostHeadSize = 128;

/** What one layer remembers of S positions of B texts: states of the plan, shared by the programs that fill and use them. */
export interface Cache {
  readonly keys: Tensor; // [B K, D, S]
  readonly values: Tensor; // [B S, K * D]
  readonly heads: number; // H, of queries
  readonly kvHeads: number; // K, of keys and values
  readonly capacity: number; // S
}

/** @param sizes.capacity S; @param sizes.texts B, default 1 */
export function declareCache(
  builder: PlanBuilder,
  name: string,
  { heads, kvHeads, headSize, capacity, texts = 1 }: CacheSizes,
): Cache {
  return {
    keys: builder.state(`${name}.keys`, [texts * kvHeads, headSize, capacity], 'f32', 'activation'),
    values: builder.state(`${name}.values`, [texts * capacity, kvHeads * headSize], 'f32', 'activation'),
    heads,
    kvHeads,
    capacity,
  };
}

/**
 * Puts the keys and values of rows into the cache; rows that do not fit are dropped.
 * @param qkv [R, (H + 2 K) D]
 * @param at.cursor each row is of a text of its own, and goes to its position; null: all are of one text, from position 0 on
 * @param at.slot u32 [1], the number of that text; absent: the first one
 * @param at.angles [S, D/2, 2] that turn the keys; null: they are turned already, or never
 */
export function appendToCache(builder: PlanBuilder, qkv: Tensor, cache: Cache, at: CachePlace): void {
  const inputs = [qkv, at.cursor ?? at.slot ?? qkv, ...(at.angles ? [at.angles] : [])];
  const texts = cache.keys.shape[0]! / cache.kvHeads;
  const attributes = { ...attributesOf(qkv, cache, at), texts };
  builder.update(cacheAppendKernel, inputs, [cache.keys, cache.values], attributes);
}

/**
 * Attention of one query a text and head over positions 0 to its cursor's own, which must have been appended.
 * @param qkv [B, (H + 2 K) D]
 * @returns [B, H D]. What is not finite shows in the heads of its own text that see it, and nowhere else
 */
export function attendToCache(
  builder: PlanBuilder,
  qkv: Tensor,
  cache: Cache,
  at: CachePlace & { cursor: Tensor },
): Tensor {
  const inputs = [qkv, at.cursor, cache.keys, cache.values, ...(at.angles ? [at.angles] : [])];
  return builder.op(cacheAttentionKernel, inputs, attributesOf(qkv, cache, at))[0];
}

interface CacheSizes {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly capacity: number;
  readonly texts?: number;
}

export interface CachePlace {
  readonly cursor: Tensor | null;
  readonly slot?: Tensor;
  readonly angles: Tensor | null;
}

function attributesOf(
  qkv: Tensor,
  { heads, kvHeads, capacity }: Cache,
  { cursor, slot, angles }: CachePlace,
): Attributes {
  const headSize = qkv.shape[1]! / (heads + 2 * kvHeads);
  const attributes: CacheAttributes = {
    heads,
    kvHeads,
    capacity,
    scale: 1 / Math.sqrt(headSize),
    atCursor: cursor !== null,
    slotted: cursor === null && slot !== undefined,
    turns: angles !== null,
  };
  return attributes;
}

/**
 * [qkv [R, (H + 2 K) D], cursor u32 [4 R], slot u32 [1] or qkv, angles? [S, D/2, 2]] changes [keys [B K, D, S], values [B S, K D]].
 * The attribute `texts` is B, default 1.
 */
export const cacheAppendKernel: Kernel = {
  name: 'cacheAppend',
  inPlace: true,
  infer(inputs, attributes) {
    const { kvHeads, headSize, capacity } = inferShape('cacheAppend', inputs, attributes);
    const texts = Number(attributes['texts'] ?? 1);
    if (inputs[2]) expectTensor('cacheAppend', inputs[2], [capacity, headSize / 2, 2]);
    return [
      { shape: [texts * kvHeads, headSize, capacity], dtype: 'f32' },
      { shape: [texts * capacity, kvHeads * headSize], dtype: 'f32' },
    ];
  },
  dispatches(op, traits, scratch) {
    const [qkv, cursor, angles = scratch('angles', 2)] = op.inputs as [Tensor, Tensor, Tensor?];
    const [keys, values] = op.outputs as [Tensor, Tensor];
    const shape = cacheShape(op);
    const { rows, kvHeads, headSize, atCursor, slotted, turns } = shape;
    const elements = rows * kvHeads * headSize;
    return [
      dispatch(appendWgsl, {
        entryPoint: 'append',
        tensors: { qkv, cursor, angles, keys, values },
        constants: { ...constantsOf(shape), rows, at_cursor: atCursor, slotted, turns },
        workgroups: linearWorkgroups(elements, 64, traits),
      }),
    ];
  },
  reference: cacheAppendReference,
};

/** [qkv [B, (H + 2 K) D], cursor u32 [4 B], keys [B K, D, S], values [B S, K D], angles? [S, D/2, 2]] -> [out [B, H D]]. */
export const cacheAttentionKernel: Kernel = {
  name: 'cacheAttention',
  infer(inputs, attributes) {
    const [, cursor, keys, values, angles] = inputs;
    const { heads, kvHeads, headSize, capacity, rows } = inferShape('cacheAttention', inputs, attributes);
    expectTensor('cacheAttention', cursor, [cursorSize * rows], 'u32');
    expectTensor('cacheAttention', keys, [rows * kvHeads, headSize, capacity]);
    expectTensor('cacheAttention', values, [rows * capacity, kvHeads * headSize]);
    if (angles) expectTensor('cacheAttention', angles, [capacity, headSize / 2, 2]);
    return [{ shape: [rows, heads * headSize], dtype: 'f32' }];
  },
  dispatches(op, traits, scratch) {
    const given = op.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor?];
    const [qkv, cursor, keys, values, angles = scratch('angles', 2)] = given;
    const shape = cacheShape(op);
    const call = {
      tensors: { qkv, cursor, angles, keys, values, out: op.outputs[0]! },
      constants: { ...constantsOf(shape), scale: shape.scale, turns: shape.turns },
      workgroups: [shape.heads, shape.rows, 1],
    } as const;
    return [dispatch(attentionWgsl, { entryPoint: traits.isCpu ? 'attend_alone' : 'attend', ...call })];
  },
  reference: cacheAttentionReference,
  cpu: cacheAttentionCpu,
};

function inferShape(kernel: string, [qkv]: Op['inputs'], attributes: Attributes) {
  const { heads, kvHeads, capacity, turns } = attributes as CacheAttributes;
  const [rows, width] = expectMatrix(kernel, qkv);
  const headSize = width / (heads + 2 * kvHeads);
  expect(kernel, Number.isInteger(headSize), `a row of ${width} is not ${heads} + 2 * ${kvHeads} heads`);
  expect(kernel, heads % kvHeads === 0, `${heads} heads cannot share ${kvHeads}`);
  expect(kernel, headSize <= mostHeadSize, `a head size of ${headSize} is above ${mostHeadSize}`);
  expect(kernel, !turns || headSize % 2 === 0, `heads of ${headSize} elements cannot be turned in pairs`);
  return { rows, heads, kvHeads, headSize, capacity };
}

function constantsOf({ heads, kvHeads, headSize, capacity }: CacheShape) {
  return { heads, kv_heads: kvHeads, head_size: headSize, capacity };
}

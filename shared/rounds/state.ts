// The agreed state of a job and the outer step that turns the state of one round into that of the next. Every worker
// computes it for itself and must get the same bits: plain float32 arithmetic in a fixed order, no GPU, no parallel sums.

import { sha256 } from '@noble/hashes/sha2.js';
import { aggregate } from '../aggregation/aggregate.ts';
import type { Difference } from '../aggregation/rule.ts';
import type { Range } from '../aggregation/vectors.ts';
import { toHex } from '../bytes.ts';
import type { Aggregation } from '../manifest/aggregation.ts';

export interface AgreedState {
  readonly round: number;
  readonly parameters: Float32Array; // the plan's flat vector, padding included
  readonly momentum: Float32Array | null; // outer momentum, same length; null for plain averaging
}

export interface OuterStep {
  readonly learningRate: number;
  readonly momentum: number; // Nesterov; 0 = plain averaging
  readonly isSign: boolean; // each element moves by the learning rate, up or down (signSGD, arXiv 1802.04434)
  readonly weightDecay: number; // of the ranges with `decay`, times the learning rate
  readonly aggregation: Aggregation;
  readonly ranges: readonly StepRange[]; // the parameter tensors; nothing else of the vector ever changes
}

export interface StepRange extends Range {
  readonly decay: boolean;
}

/**
 * Applies a closed round: what the differences, or negative gradients, come to under the aggregation rule, as a step of SGD with
 * Nesterov momentum (DiLoCo, arXiv 2311.08105), or of its signs. A round without accepted tokens changes nothing but the round number.
 * @throws LoomError `internal` when a difference has another length than the parameters
 */
export function outerStep(state: AgreedState, contributions: readonly Difference[], step: OuterStep): AgreedState {
  const context = { round: state.round, elements: state.parameters.length, ranges: step.ranges };
  const { difference: found } = aggregate(step.aggregation, contributions, context);
  if (found === null) return { ...state, round: state.round + 1 };
  const difference = withoutPadding(found, step.ranges);
  const momentum = step.momentum > 0 ? nextMomentum(state.momentum, difference, step.momentum) : null;
  const smooth = momentum === null ? difference : addScaled(difference, momentum, step.momentum);
  const update = step.isSign ? smooth.map(Math.sign) : smooth;
  return {
    round: state.round + 1,
    parameters: addScaled(decayed(state.parameters, step), update, step.learningRate),
    momentum,
  };
}

/**
 * SHA-256 that two workers compare to know that they hold the same state, 64 hex digits. It covers the element count, the
 * parameters and the outer momentum; the round is not part, so an unchanged state keeps its hash.
 */
export function stateHash(state: AgreedState): string {
  const header = new DataView(new ArrayBuffer(16));
  header.setUint32(0, 0x5453_4d4c, true); // 'LMST'
  header.setUint32(4, 1, true); // version of this layout
  header.setUint32(8, state.parameters.length, true);
  header.setUint32(12, state.momentum === null ? 0 : 1, true);
  const digest = sha256.create().update(new Uint8Array(header.buffer)).update(littleEndian(state.parameters));
  if (state.momentum !== null) digest.update(littleEndian(state.momentum));
  return toHex(digest.digest());
}

/** A payload may say anything of the padding between tensors; a checkpoint does not hold it, so the state must not either. */
function withoutPadding(difference: Float32Array, ranges: readonly Range[]): Float32Array {
  const kept = new Float32Array(difference.length);
  for (const { offset, elements } of ranges) kept.set(difference.subarray(offset, offset + elements), offset);
  return kept;
}

/** Decoupled weight decay: p <- p - learningRate * weightDecay * p */
function decayed(parameters: Float32Array, { learningRate, weightDecay, ranges }: OuterStep): Float32Array {
  if (weightDecay === 0) return parameters;
  const result = parameters.slice();
  for (const { offset, elements } of ranges.filter(({ decay }) => decay)) {
    const part = result.subarray(offset, offset + elements);
    addInto(part, part, Math.fround(-learningRate * weightDecay));
  }
  return result;
}

/** m <- momentum * m + difference */
function nextMomentum(previous: Float32Array | null, difference: Float32Array, momentum: number): Float32Array {
  return previous === null ? difference.slice() : addScaled(difference, previous, momentum);
}

/** base + scale * added, each operation rounded to float32. */
function addScaled(base: Float32Array, added: Float32Array, scale: number): Float32Array {
  const sum = base.slice();
  addInto(sum, added, Math.fround(scale));
  return sum;
}

function addInto(sum: Float32Array, added: Float32Array, scale: number): void {
  // The explicit rounding keeps each product in float32, as a fused multiply-add would not.
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + Math.fround(scale * added[i]!);
}

/** The vector's bytes in little-endian order, without a copy where the machine is little-endian, as nearly all are. */
function littleEndian(values: Float32Array): Uint8Array {
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] === 1) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const view = new DataView(new ArrayBuffer(values.byteLength));
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return new Uint8Array(view.buffer);
}

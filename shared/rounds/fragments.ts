// Streaming fragments (Streaming DiLoCo, arXiv 2501.18512): the parameters are dealt into F fragments of whole layers, and a
// round exchanges and applies only one of them, round mod F, so that the largest payload is about F times smaller. The agreed
// state stays one vector with one hash. Every worker deals alike, from the plan's parameters alone. F = 1 is the whole vector.

import type { Difference } from '../aggregation/rule.ts';
import { LoomError } from '../errors.ts';
import { outerStep } from './state.ts';
import type { AgreedState, OuterStep, StepRange } from './state.ts';

/** A parameter tensor in a flat vector; offsets are multiples of 64. */
export interface Placed extends StepRange {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A tensor's place in the vector of its fragment. */
export interface FragmentPlace extends StepRange {
  readonly shape: readonly number[];
  readonly from: number; // its offset in the whole vector
}

export interface Fragment {
  readonly isWhole: boolean;
  readonly elements: number; // of its vector, padding included
  readonly places: readonly FragmentPlace[];
}

const alignment = 64; // elements, as in the whole vector

/**
 * Layer i goes to fragment i mod count; what belongs to no layer (embeddings, head) goes, the largest first, to the fragment
 * that is smallest so far.
 * @param elements of the whole vector
 * @throws LoomError `invalid_manifest` when a fragment would be empty
 */
export function dealFragments(parameters: readonly Placed[], elements: number, count: number): Fragment[] {
  if (count === 1)
    return [{ isWhole: true, elements, places: parameters.map((one) => ({ ...one, from: one.offset })) }];
  const dealt: Placed[][] = Array.from({ length: count }, () => []);
  const layers = [...new Set(parameters.map(layerOf).filter((layer) => layer !== null))];
  for (const parameter of parameters) {
    const layer = layerOf(parameter);
    if (layer !== null) dealt[layers.indexOf(layer) % count]!.push(parameter);
  }
  const rest = parameters.filter((parameter) => layerOf(parameter) === null);
  for (const parameter of rest.toSorted((a, b) => b.elements - a.elements)) smallest(dealt).push(parameter);
  return dealt.map((members) =>
    compact(
      parameters.filter((parameter) => members.includes(parameter)),
      count,
    ),
  );
}

/** The fragment's part of a whole vector: the vector itself when the fragment is the whole, else a copy. */
export function gather(whole: Float32Array, { isWhole, elements, places }: Fragment): Float32Array {
  if (isWhole) return whole;
  const part = new Float32Array(elements);
  for (const { offset, elements: length, from } of places) part.set(whole.subarray(from, from + length), offset);
  return part;
}

/** A copy of the whole vector with the fragment's part replaced. */
export function scatter(whole: Float32Array, { isWhole, places }: Fragment, part: Float32Array): Float32Array {
  if (isWhole) return part.slice();
  const changed = whole.slice();
  for (const { offset, elements, from } of places) changed.set(part.subarray(offset, offset + elements), from);
  return changed;
}

/** As `outerStep`, of the fragment alone: everything else of parameters and momentum stays as it is. */
export function fragmentStep(
  state: AgreedState,
  fragment: Fragment,
  contributions: readonly Difference[],
  step: Omit<OuterStep, 'ranges'>,
): AgreedState {
  if (fragment.isWhole) return outerStep(state, contributions, { ...step, ranges: fragment.places });
  const { round, parameters, momentum } = state;
  const part = {
    round,
    parameters: gather(parameters, fragment),
    momentum: momentum && gather(momentum, fragment),
  };
  const next = outerStep(part, contributions, { ...step, ranges: fragment.places });
  return {
    round: next.round,
    parameters: scatter(parameters, fragment, next.parameters),
    momentum: next.momentum && scatter(momentum ?? new Float32Array(parameters.length), fragment, next.momentum),
  };
}

/** What the parameters of one layer have in common: the name up to its first number, `transformer.h.3`. */
function layerOf({ name }: Placed): string | null {
  return /^.*?\.\d+(?=\.)/.exec(name)?.[0] ?? null;
}

function smallest(dealt: Placed[][]): Placed[] {
  const sizes = dealt.map((members) => members.reduce((sum, { elements }) => sum + elements, 0));
  return dealt[sizes.indexOf(Math.min(...sizes))]!;
}

function compact(members: readonly Placed[], count: number): Fragment {
  if (members.length === 0) {
    const message = `the model has too few layers for ${count} fragments`;
    throw new LoomError('invalid_manifest', message, {
      where: 'spec.rounds.fragments',
      allowed: 'at most one a layer',
    });
  }
  let elements = 0;
  const places = members.map(({ offset: from, elements: length, shape, decay }) => {
    const place = { offset: elements, elements: length, shape, decay, from };
    elements += Math.ceil(length / alignment) * alignment;
    return place;
  });
  return { isWhole: false, elements, places };
}

// Stand-ins for tensors: a state is a number that depends on every contribution ever applied, a payload is its hash.

import type { AcceptedContribution, ClosedRound } from '../../protocol/messages.ts';

export interface VirtualState {
  round: number;
  value: number;
}

export const initialState: VirtualState = { round: 0, value: 1 };

export function applyRound({ round, value }: VirtualState, closed: ClosedRound): VirtualState {
  const next = closed.accepted.reduce(
    (mixed, { hash, tokens, staleness = 0 }) => mix(mix(mixed, tokens + staleness), tail(hash)),
    value,
  );
  return { round: round + 1, value: mix(next, round) };
}

/** The payload that a group makes of these: the same for everyone who makes it of the same ones, in the same order. */
export function foldHash(inputs: readonly AcceptedContribution[]): string {
  const value = inputs.reduce((mixed, { hash, tokens }) => mix(mix(mixed, tokens), tail(hash)), 7);
  return hashFrom(value * 2 ** 20 + (mix(value, inputs.length) >>> 12));
}

/** A segment of a payload. */
export function pieceHash(hash: string, segment: number): string {
  return spread(mix(tail(hash), segment + 1));
}

/** What a segment of these adds up to. */
export function sumHash(inputs: readonly AcceptedContribution[], pieces: readonly string[]): string {
  return spread(inputs.reduce((mixed, { tokens }, i) => mix(mix(mixed, tokens), tail(pieces[i]!)), 11));
}

/** The payload that sums make when they are joined. */
export function joinHash(sums: readonly string[]): string {
  return spread(sums.reduce((mixed, hash) => mix(mixed, tail(hash)), 13));
}

/** What a corrupted worker holds instead. */
export function corrupted({ round, value }: VirtualState, noise: number): VirtualState {
  return { round, value: mix(value, noise) };
}

export function virtualHash({ value }: VirtualState): string {
  return hashFrom(value);
}

function spread(value: number): string {
  return hashFrom(value * 2 ** 20 + (mix(value, 1) >>> 12));
}

/** 64 hex digits that name a number. */
export function hashFrom(value: number): string {
  return value.toString(16).padStart(64, '0');
}

/** The low 32 bits of a hash. */
function tail(hash: string): number {
  return Number.parseInt(hash.slice(-8), 16);
}

function mix(a: number, b: number): number {
  let mixed = Math.imul(a ^ (b + 0x9e3779b9), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

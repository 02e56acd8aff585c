// What compression and refusal held back stays with the worker and is added to its next difference (error feedback, arXiv
// 1901.09847). It never leaves the worker and is no part of the agreed state. Rules: a contribution that was accepted leaves
// what its payload did not say; one that was not accepted leaves all of it; a state from a checkpoint begins with nothing,
// because what was held back belongs to the rounds before it. With bounded staleness several are on their way, each with its
// part of what was held back; one may be accepted some rounds late, and returns only when that time is over.

/** One contribution on its way: what it should have said and what its payload says. */
interface Pending {
  readonly round: number; // of the state it was trained from
  readonly payload: Uint8Array;
  readonly wanted: Float32Array;
  readonly said: Float32Array;
}

export class ErrorFeedback {
  readonly #decay: number;
  readonly #staleness: number;
  #residual: Float32Array | null = null; // null = zeros
  #pending: readonly Pending[] = [];

  /**
   * @param decay part of the residual that is added, 0..1; 0 keeps nothing
   * @param staleness rounds by which a contribution may be accepted late
   */
  constructor(decay: number, staleness = 0) {
    this.#decay = decay;
    this.#staleness = staleness;
  }

  /** The difference with what was held back before. Does not change anything: a round may be trained twice. */
  correct(difference: Float32Array): Float32Array {
    const residual = this.#residual;
    if (residual === null) return difference;
    return difference.map((value, i) => value + this.#decay * residual[i]!);
  }

  /** A payload was made of a corrected difference. Of several before the next `settle` the last one counts, without staleness. */
  sent(payload: Uint8Array, wanted: Float32Array, said: Float32Array, round = 0): void {
    if (this.#decay === 0) return;
    const pending = { round, payload: payload.slice(), wanted, said };
    this.#pending = this.#staleness === 0 ? [pending] : [...this.#pending, pending];
    if (this.#staleness > 0) this.#residual = null; // it is on its way, and must not be added to the next one too
  }

  /** The round closed with these payloads. Without a contribution of our own to settle nothing changes. */
  settle(accepted: readonly Uint8Array[], round = 0): void {
    const isIn = ({ payload }: Pending): boolean => accepted.some((other) => sameBytes(other, payload));
    const isOver = (pending: Pending): boolean => isIn(pending) || round - pending.round >= this.#staleness;
    const settled = this.#pending.filter(isOver);
    if (settled.length === 0) return;
    this.#pending = this.#pending.filter((pending) => !settled.includes(pending));
    const before = this.#staleness > 0 ? this.#residual : null; // without staleness it is in what was wanted
    const rests = settled.map((one) => (isIn(one) ? one.wanted.map((value, i) => value - one.said[i]!) : one.wanted));
    const held = before === null ? rests : [before, ...rests];
    this.#residual = held.reduce((sum, rest) => sum.map((value, i) => value + rest[i]!));
  }

  /** The agreed state was replaced. */
  clear(): void {
    this.#residual = null;
    this.#pending = [];
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

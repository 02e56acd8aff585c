// What compression and refusal held back stays with the worker and is added to its next difference (error feedback, arXiv
// 1901.09847). It never leaves the worker and is no part of the agreed state. Rules: a contribution that was accepted leaves
// what its payload did not say; one that was not accepted leaves all of it; a state from a checkpoint begins with nothing,
// because what was held back belongs to the rounds before it.

/** One contribution on its way: what it should have said and what its payload says. */
interface Pending {
  readonly payload: Uint8Array;
  readonly wanted: Float32Array;
  readonly said: Float32Array;
}

export class ErrorFeedback {
  readonly #decay: number;
  #residual: Float32Array | null = null; // null = zeros
  #pending: Pending | null = null;

  /** @param decay part of the residual that is added, 0..1; 0 keeps nothing */
  constructor(decay: number) {
    this.#decay = decay;
  }

  /** The difference with what was held back before. Does not change anything: a round may be trained twice. */
  correct(difference: Float32Array): Float32Array {
    const residual = this.#residual;
    if (residual === null) return difference;
    return difference.map((value, i) => value + this.#decay * residual[i]!);
  }

  /** A payload was made of a corrected difference. Of several before the next `settle` the last one counts. */
  sent(payload: Uint8Array, wanted: Float32Array, said: Float32Array): void {
    if (this.#decay > 0) this.#pending = { payload: payload.slice(), wanted, said };
  }

  /** The round closed with these payloads. Without a contribution of our own in it nothing changes. */
  settle(accepted: readonly Uint8Array[]): void {
    const pending = this.#pending;
    if (pending === null) return;
    const { payload, wanted, said } = pending;
    const wasAccepted = accepted.some((other) => sameBytes(other, payload));
    this.#residual = wasAccepted ? wanted.map((value, i) => value - said[i]!) : wanted;
    this.#pending = null;
  }

  /** The agreed state was replaced. */
  clear(): void {
    this.#residual = null;
    this.#pending = null;
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

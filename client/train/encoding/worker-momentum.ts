// A worker's memory of its own differences (arXiv 2012.10333): it sends their bias-corrected running mean. Honest workers then
// differ less from each other, which leaves liars less noise to hide in; short runs pay for it with late steps. Never leaves
// the worker and is no part of the agreed state.

export class WorkerMomentum {
  readonly #decay: number;
  #sum: Float32Array | null = null; // null = zeros
  #weight = 0; // of the differences in the sum: towards 1
  #pending: Float32Array | null = null;

  /** @param decay part of the sum that stays from round to round, 0..1; 0 sends differences as they are */
  constructor(decay: number) {
    this.#decay = decay;
  }

  /** What to send instead of the difference. Of several in one round the last one counts. */
  smooth(difference: Float32Array): Float32Array {
    if (this.#decay === 0) return difference;
    const [decay, sum] = [this.#decay, this.#sum];
    const next = difference.map((value, i) => decay * (sum?.[i] ?? 0) + (1 - decay) * value);
    const weight = this.#nextWeight();
    this.#pending = next;
    return next.map((value) => value / weight);
  }

  /** The round closed. */
  settle(): void {
    if (this.#pending === null) return;
    this.#weight = this.#nextWeight();
    this.#sum = this.#pending;
    this.#pending = null;
  }

  /** The agreed state was replaced. */
  clear(): void {
    this.#sum = null;
    this.#weight = 0;
    this.#pending = null;
  }

  #nextWeight(): number {
    return this.#decay * this.#weight + (1 - this.#decay);
  }
}

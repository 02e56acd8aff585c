// The one alarm of a Durable Object, set only when it has to ring earlier than it is set for: each setting is a row written.

export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null; // unix ms, Infinity while none is set; null: to be read

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Call first when it rings. */
  rang(): void {
    this.#at = Infinity;
  }

  /** It rings by `at`, or earlier if that was asked for before. Null asks for nothing. */
  async by(at: number | null): Promise<void> {
    this.#at ??= (await this.#storage.getAlarm()) ?? Infinity;
    if (at === null || at >= this.#at) return;
    this.#at = at;
    await this.#storage.setAlarm(at);
  }
}

// The payloads this worker holds, by SHA-256. Bounded in bytes: when full, payloads nobody asked for go first, then those
// of the oldest rounds.

interface Held {
  round: number;
  payload: Uint8Array;
  asked: boolean; // ours, or obtained for a round; false for one that a peer pushed and nobody has used yet
}

export class PayloadStore {
  /** In order of arrival. */
  private readonly held = new Map<string, Held>();
  private readonly budgetBytes: number;
  private bytes = 0;

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
  }

  has(hash: string): boolean {
    return this.held.has(hash);
  }

  /** Looks without keeping: for answering a peer. */
  peek(hash: string): { round: number; payload: Uint8Array } | undefined {
    return this.held.get(hash);
  }

  /** The payload for our own use; from now on it counts as asked for. */
  take(hash: string): Uint8Array | undefined {
    const entry = this.held.get(hash);
    if (entry !== undefined) entry.asked = true;
    return entry?.payload;
  }

  put(round: number, hash: string, payload: Uint8Array, asked: boolean): void {
    if (this.held.has(hash)) return;
    this.held.set(hash, { round, payload, asked });
    this.bytes += payload.length;
    while (this.bytes > this.budgetBytes && this.held.size > 1) this.evict(hash);
  }

  forgetBefore(round: number): void {
    for (const [hash, entry] of this.held) if (entry.round < round) this.drop(hash);
  }

  private evict(spared: string): void {
    let victim: [string, Held] | undefined;
    for (const candidate of this.held) {
      if (candidate[0] === spared) continue;
      if (victim === undefined || goesBefore(candidate[1], victim[1])) victim = candidate;
    }
    if (victim !== undefined) this.drop(victim[0]);
  }

  private drop(hash: string): void {
    this.bytes -= this.held.get(hash)?.payload.length ?? 0;
    this.held.delete(hash);
  }
}

function goesBefore(a: Held, b: Held): boolean {
  if (a.asked !== b.asked) return !a.asked;
  return a.round < b.round;
}

// Puts payloads together from the chunks of one peer. Its memory is bounded: beyond `budgetBytes` of unfinished payloads the
// one that has waited longest for a chunk is given up. Whoever already has a payload must not feed its chunks again.

import { sha256Hex } from '../bytes.ts';
import type { Bytes } from '../bytes.ts';
import { LoomError } from '../errors.ts';
import { chunkBytes, maxPayloadBytes } from './frame.ts';
import type { ChunkFrame } from './frame.ts';

interface Pending {
  round: number;
  bytes: Bytes;
  arrived: Uint8Array; // 1 for each chunk that is in
  missing: number;
}

export class Reassembler {
  /** Unfinished payloads by hash; the one that got a chunk last is last. */
  private readonly partials = new Map<string, Pending>();
  private readonly budgetBytes: number;
  private heldBytes = 0;

  constructor(budgetBytes = maxPayloadBytes) {
    this.budgetBytes = budgetBytes;
  }

  /**
   * Takes one chunk; a duplicate changes nothing.
   * @returns the payload once it is whole and hashes right, null before.
   * @throws LoomError `invalid_frame` if the chunk contradicts an earlier one, or if the whole has another hash and is
   * forgotten; `message_too_large` if the payload alone is over the budget.
   */
  accept(chunk: ChunkFrame): Bytes | null {
    const partial = this.partialFor(chunk);
    if (partial.arrived[chunk.index] === 1) return null;
    partial.bytes.set(chunk.body, chunk.index * chunkBytes);
    partial.arrived[chunk.index] = 1;
    partial.missing -= 1;
    return partial.missing === 0 ? this.finish(chunk.hash, partial) : null;
  }

  /** Forgets what came of this payload: another peer delivered it. */
  drop(hash: string): void {
    const partial = this.partials.get(hash);
    if (partial === undefined) return;
    this.heldBytes -= partial.bytes.length;
    this.partials.delete(hash);
  }

  /** Chunks of this payload that are in, 0 if none is or it is finished. */
  arrived(hash: string): number {
    const partial = this.partials.get(hash);
    return partial === undefined ? 0 : partial.arrived.length - partial.missing;
  }

  /** Unfinished payloads and the memory they take. */
  get pending(): { payloads: number; bytes: number } {
    return { payloads: this.partials.size, bytes: this.heldBytes };
  }

  private partialFor(chunk: ChunkFrame): Pending {
    const partial = this.partials.get(chunk.hash) ?? this.begin(chunk);
    if (partial.bytes.length !== chunk.totalBytes || partial.round !== chunk.round) {
      throw new LoomError('invalid_frame', 'chunk contradicts an earlier one of its payload', {
        where: 'chunk',
        allowed: `round ${partial.round}, ${partial.bytes.length} bytes`,
      });
    }
    this.partials.delete(chunk.hash);
    this.partials.set(chunk.hash, partial);
    return partial;
  }

  private begin(chunk: ChunkFrame): Pending {
    if (chunk.totalBytes > this.budgetBytes) {
      throw new LoomError('message_too_large', `payload of ${chunk.totalBytes} bytes`, {
        allowed: `${this.budgetBytes} bytes`,
      });
    }
    for (const hash of this.partials.keys()) {
      if (this.heldBytes + chunk.totalBytes <= this.budgetBytes) break;
      this.drop(hash);
    }
    this.heldBytes += chunk.totalBytes;
    return {
      round: chunk.round,
      bytes: new Uint8Array(chunk.totalBytes),
      arrived: new Uint8Array(chunk.count),
      missing: chunk.count,
    };
  }

  private finish(hash: string, partial: Pending): Bytes {
    this.drop(hash);
    const actual = sha256Hex(partial.bytes);
    if (actual !== hash)
      throw new LoomError('invalid_frame', `payload hashes to ${actual}`, { where: 'hash', allowed: hash });
    return partial.bytes;
  }
}

// Payloads at the coordinator, for members that cannot be reached: each is put there once, and tried again when that fails.

import { backoffMs } from '../timing/backoff.ts';
import { sleep } from '../timing/wait.ts';

/** Payloads at the coordinator, by hash. */
export interface Relay {
  /** null if it is not there. */
  get(hash: string): Promise<Uint8Array | null>;
  put(hash: string, payload: Uint8Array): Promise<void>;
}

export interface RelayUploadsOptions {
  relay: Relay;
  random: () => number;
  signal: AbortSignal;
  onSent: (bytes: number) => void;
}

const attempts = 4;

export class RelayUploads {
  private readonly options: RelayUploadsOptions;
  private readonly uploads = new Map<string, Promise<void>>();

  constructor(options: RelayUploadsOptions) {
    this.options = options;
  }

  /** Resolves when the payload is there, whoever asked first. */
  put(hash: string, payload: Uint8Array): Promise<void> {
    const upload = this.uploads.get(hash) ?? this.tryPut(hash, payload);
    this.uploads.set(hash, upload);
    upload.catch(() => this.uploads.delete(hash));
    return upload;
  }

  forgetUnless(isHeld: (hash: string) => boolean): void {
    for (const hash of this.uploads.keys()) if (!isHeld(hash)) this.uploads.delete(hash);
  }

  private async tryPut(hash: string, payload: Uint8Array): Promise<void> {
    const { relay, random, signal, onSent } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        await relay.put(hash, payload);
        return onSent(payload.length);
      } catch (error) {
        if (attempt === attempts || signal.aborted) throw error;
        await sleep(backoffMs(attempt, random), signal);
      }
    }
  }
}

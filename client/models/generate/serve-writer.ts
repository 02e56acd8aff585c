// A model that writes in a thread of its own: what the page's Worker answers, over comlink. Plain values in and out.

import type { chooseDevice } from '../../../kernels/device/choose.ts';
import { LoomError } from '../../../shared/errors.ts';
import { ModelFolder } from './model-folder.ts';
import type { Writer } from './model-folder.ts';

/** What a visitor chooses. */
export interface WriteRequest {
  readonly prompt: string;
  readonly temperature: number; // 0: always the likeliest token
  readonly tokens: number; // at most
}

export interface Piece {
  readonly text: string;
  readonly tokens: number;
}

/** Tokens that prompt and text may have together before the beginning is forgotten: bounds the memory of the cache. */
const mostTokens = 4096;

/** Only from so many likeliest tokens is drawn, as on the command line. */
const topK = 40;

export class WriterService {
  readonly #openGpu: Parameters<typeof chooseDevice>[0];
  readonly #breathe: () => Promise<void>;
  #writer: Writer | null = null;
  #isStopped = false;

  /** @param breathe lets messages arrive: `stop` is one */
  constructor(openGpu: Parameters<typeof chooseDevice>[0], breathe: () => Promise<void>) {
    this.#openGpu = openGpu;
    this.#breathe = breathe;
  }

  /**
   * Once, before the first `write`.
   * @param files of the model's folder, by name
   * @returns where it runs
   * @throws LoomError `data_unavailable` that says what is wrong with the folder
   */
  async open(files: Readonly<Record<string, Uint8Array>>, backend: 'auto' | 'webgpu' | 'cpu'): Promise<string> {
    const folder = await ModelFolder.open(async (name) => files[name] ?? null, 'the result of this job');
    this.#writer = await folder.start(this.#openGpu, { backend, tokens: mostTokens });
    return this.#writer.adapter;
  }

  /**
   * Writes until it has enough, the model ends its text, or `stop` is called.
   * @throws LoomError `invalid_request` for a prompt without tokens
   */
  async write({ prompt, ...request }: WriteRequest, seed: number, onPiece: (piece: Piece) => unknown): Promise<void> {
    if (this.#writer === null) throw new LoomError('internal', 'write before open');
    this.#isStopped = false;
    const options = { ...request, topK, topP: 1, seed, rest: this.#breathe };
    for await (const piece of this.#writer.write(prompt, options)) {
      if (this.#isStopped) return;
      await onPiece(piece); // no piece arrives after the end
    }
  }

  stop(): void {
    this.#isStopped = true;
  }
}

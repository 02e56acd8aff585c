// Everything that only a page whose visitor lets a model write needs, in a file of its own: it is loaded when the button is pressed.

import { proxy, transfer, wrap } from 'comlink';
import type { Piece, WriterService, WriteRequest } from '../../models/generate/serve-writer.ts';

/** A model in a Worker. */
export interface PageWriter {
  readonly adapter: string;
  /** Resolves when it has written, or was stopped. */
  write(request: WriteRequest, onPiece: (piece: Piece) => void): Promise<void>;
  stop(): void;
  close(): void;
}

/**
 * Opens a model on this visitor's device, off the page's own thread.
 * @param files of its folder, by name; they are handed over
 * @throws an error that says what is wrong with the files, or why the Worker did not start
 */
export async function openWriter(
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  backend: 'auto' | 'webgpu' | 'cpu',
): Promise<PageWriter> {
  // Vite finds the script only when its address is written right here.
  const worker = new Worker(new URL('../../models/generate/worker-page.ts', import.meta.url), {
    type: 'module',
    name: 'LoomOS writer',
  });
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', ({ message }) => reject(new Error(message || 'its script did not load')));
  });
  failed.catch(() => {}); // whoever waits hears of it
  const remote = wrap<WriterService>(worker);
  try {
    const buffers = Object.values(files).map(({ buffer }) => buffer);
    const adapter = await Promise.race([remote.open(transfer(files, buffers), backend), failed]);
    return {
      adapter,
      write: (request, onPiece) => Promise.race([remote.write(request, drawSeed(), proxy(onPiece)), failed]),
      stop: () => void remote.stop(),
      close: () => worker.terminate(),
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

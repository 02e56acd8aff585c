// Starts the trainer of a page in a dedicated Worker.

import { RemoteTrainer } from './remote.ts';
import type { Trainer } from '../trainer.ts';

/** A trainer in a Worker of its own, so that the page never waits for a step. `close` ends the Worker. */
export function spawnTrainer(): Trainer {
  const worker = new Worker(new URL('./worker-page.ts', import.meta.url), { type: 'module', name: 'LoomOS trainer' });
  const ended = new Promise<string>((resolve) => {
    worker.addEventListener('error', (event) => resolve(event.message || 'its script did not load'), { once: true });
  });
  return new RemoteTrainer({ endpoint: worker, ended, terminate: () => worker.terminate() });
}

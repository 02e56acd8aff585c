// Starts the trainer of a headless worker in a worker thread.

import { MessageChannel, Worker } from 'node:worker_threads';
import type { Endpoint } from 'comlink';
import { RemoteTrainer } from './remote.ts';
import type { Trainer } from '../trainer.ts';

/** A trainer in a thread of its own, so that sockets never wait for a step. `close` ends the thread. */
export function spawnTrainer(): Trainer {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./worker.node.ts', import.meta.url), { workerData: port2, transferList: [port2] });
  const ended = new Promise<string>((resolve) => {
    worker.once('error', (error) => resolve(error.message));
    worker.once('exit', (code) => resolve(`exit code ${code}`));
  });
  return new RemoteTrainer({ endpoint: port1 as Endpoint, ended, terminate: () => void worker.terminate() });
}

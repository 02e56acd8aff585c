// What a contributing worker tells whoever shows it: the page, or the headless worker's terminal. One snapshot type, sent
// whenever something changes; no history, the viewer keeps what it draws.

import type { ExchangeStats } from '../exchange/exchange.ts';
import type { TrainerReport } from '../train/trainer.ts';

export type WorkerPhase =
  | 'connecting' // reaching the coordinator
  | 'idle' // registered; no job for this worker, `reason` says why
  | 'preparing' // fetching data, choosing a backend, building the plan
  | 'catching-up' // replaying checkpoint and round log
  | 'training' // local steps
  | 'exchanging' // payload sent, waiting for the round to close
  | 'paused' // by the user
  | 'finished' // the job ended
  | 'stopped' // by the user
  | 'failed'; // `reason` says why; nothing more happens

export interface WorkerSnapshot {
  phase: WorkerPhase;
  reason: string; // one sentence for people, never empty when idle, paused, finished or failed
  workerId: string | null;
  jobId: string | null;
  backend: TrainerReport | null;
  round: number;
  step: number;
  steps: number;
  loss: number | null; // latest local training loss, nats per token
  tokensPerSecond: number; // recent, of this worker
  tokensTrained: number; // by this worker in this job, accepted ones only
  roundsAccepted: number;
  warning: string; // why this worker's results do not count at the moment; '' when they do
  exchange: ExchangeStats;
}

// Everything the page shows, as one plain value: components are functions of it, and nothing else. The watchers and the
// contribution write it through the store; the gallery fills it with examples.

import type { JobView, LogLine } from '../../shared/api/schemas.ts';
import type { LossPoint } from '../../shared/rounds/types.ts';
import type { WriteRequest } from '../models/generate/serve-writer.ts';
import type { WorkerSnapshot } from '../worker/events.ts';
import type { ClothRound } from './watch/cloth.ts';

export interface Baselines {
  unigramLoss: number; // nats per byte
  bigramLoss: number;
}

/** The job in the middle of the page, with all that is fetched about it. */
export interface ShownJob {
  job: JobView;
  source: string; // of its text, as the owner gave it
  losses: readonly LossPoint[];
  rounds: readonly ClothRound[]; // who was in which round, from the ledger
  seq: number; // of the last ledger event that `rounds` knows
  baselines: Baselines | null; // of count models on the same text; null until known
  artifacts: readonly { name: string; bytes: number }[];
  sample: string | null; // text the finished model wrote
  log: readonly LogLine[]; // newest last
}

/** What this browser can compute with. */
export interface Gpu {
  state: 'checking' | 'ready' | 'missing';
  adapter: string; // for people; '' unless ready
  why: string; // one sentence; '' unless missing
}

export type LedgerCheck =
  | { state: 'none' }
  | { state: 'running'; checked: number; events: number }
  | { state: 'verified'; events: number; root: string }
  | { state: 'failed'; reason: string };

/** What a finished job's model writes for the visitor. */
export interface Writing {
  jobId: string;
  phase: 'loading' | 'writing' | 'done' | 'failed';
  prompt: string;
  text: string; // so far, after the prompt
  asked: number; // tokens, at most
  tokens: number; // so far
  seconds: number; // that they took
  adapter: string; // '' until it is loaded
  reason: string; // '' unless failed
}

export interface PageState {
  now: number; // unix ms, as every time here
  link: 'loading' | 'online' | 'offline'; // to the coordinator
  jobs: readonly JobView[]; // newest first
  shown: ShownJob | null;
  gpu: Gpu;
  contribution: WorkerSnapshot | null; // null until the visitor contributes
  load: number; // fraction of the time the device may be busy
  awake: boolean; // the screen is kept on
  throttledMs: number; // longest delay of a timer while the tab was hidden
  ledger: { events: number; root: string } | null;
  check: LedgerCheck;
  writing: Writing | null; // null until the visitor lets a model write
}

/** What a visitor can do. */
export interface Actions {
  contribute(): void;
  pause(): void;
  resume(): void;
  stop(): void;
  setLoad(fraction: number): void;
  verifyLedger(): void;
  write(request: WriteRequest): void;
  stopWriting(): void;
}

export const initialState: PageState = {
  now: 0,
  link: 'loading',
  jobs: [],
  shown: null,
  gpu: { state: 'checking', adapter: '', why: '' },
  contribution: null,
  load: 1,
  awake: false,
  throttledMs: 0,
  ledger: null,
  check: { state: 'none' },
  writing: null,
};

/** True from the click on Contribute until the work ended or was stopped. */
export function isContributing(state: PageState): boolean {
  const phase = state.contribution?.phase;
  return phase !== undefined && phase !== 'stopped' && phase !== 'failed';
}

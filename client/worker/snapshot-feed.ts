// The worker's snapshot and who watches it. Changes of phase or reason go out at once, everything else a few times a second.

import type { WorkerSnapshot } from './events.ts';

const everyMs = 200;

/** Of a job of which nothing has been done. */
const untouched: Omit<WorkerSnapshot, 'phase' | 'reason' | 'workerId' | 'jobId'> = {
  backend: null,
  round: 0,
  step: 0,
  steps: 0,
  loss: null,
  tokensPerSecond: 0,
  tokensTrained: 0,
  roundsAccepted: 0,
  warning: '',
  exchange: { bytesSent: 0, bytesReceived: 0, bytesPerSecond: 0, refusedFrames: 0, links: [] },
};

/** Of a worker that has just been started. */
export const starting: WorkerSnapshot = {
  phase: 'connecting',
  reason: '',
  workerId: null,
  jobId: null,
  ...untouched,
};

export class SnapshotFeed {
  private readonly onSnapshot: (snapshot: WorkerSnapshot) => void;
  private snapshot = starting;
  private timer: ReturnType<typeof setTimeout> | undefined;
  isOpen = true;

  constructor(onSnapshot: (snapshot: WorkerSnapshot) => void) {
    this.onSnapshot = onSnapshot;
  }

  get now(): WorkerSnapshot {
    return this.snapshot;
  }

  update(patch: Partial<WorkerSnapshot>): void {
    const { phase, reason } = this.snapshot;
    this.snapshot = { ...this.snapshot, ...patch };
    if (this.snapshot.phase !== phase || this.snapshot.reason !== reason) this.emit();
    else this.timer ??= setTimeout(() => this.emit(), everyMs);
  }

  /** A new job: its counts begin at nothing. */
  begin(jobId: string): void {
    this.update({ ...untouched, jobId });
  }

  /** The last snapshot goes out; none follows. */
  close(): WorkerSnapshot {
    this.emit();
    this.isOpen = false;
    return this.snapshot;
  }

  private emit(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isOpen) this.onSnapshot(this.snapshot);
  }
}

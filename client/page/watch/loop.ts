// Runs a task again and again, one at a time, with a pause in between that a nudge cuts short.

export interface Timers {
  now(): number; // ms
  after(ms: number, callback: () => void): () => void; // returns how to cancel it
}

export interface Loop {
  /** Something changed: run again soon, but never more often than `shortestMs`. */
  nudge(): void;
}

/** Starts at once. `task` must not reject; `pauseMs` is asked after every run. */
export function startLoop(task: () => Promise<void>, pauseMs: () => number, timers: Timers, shortestMs = 700): Loop {
  let startedAt = -Infinity;
  let isRunning = false;
  let isNudged = false;
  let cancel = () => {};

  const wait = (ms: number) => {
    cancel();
    cancel = timers.after(ms, () => void run());
  };
  const soon = () => Math.max(0, startedAt + shortestMs - timers.now());
  const run = async () => {
    startedAt = timers.now();
    isRunning = true;
    isNudged = false;
    await task();
    isRunning = false;
    wait(isNudged ? soon() : pauseMs());
  };

  void run();
  return {
    nudge() {
      isNudged = true;
      if (!isRunning) wait(soon());
    },
  };
}

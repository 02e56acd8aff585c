// Browsers slow down the timers of hidden tabs, some to one tick a minute. Training runs in a Worker and the network wakes
// the page by itself, so most of the work goes on; this measures what the timers lose, so that the page can say it.

const tickMs = 1000;

export interface Timers {
  now(): number; // ms
  every(callback: () => void, ms: number): void;
}

/** Reports the longest time between two ticks while the page was hidden, whenever there is a longer one. */
export function watchThrottling(isHidden: () => boolean, timers: Timers, report: (delayMs: number) => void): void {
  let last = timers.now();
  let wasHidden = isHidden();
  let longest = 0;
  timers.every(() => {
    const now = timers.now();
    const delay = now - last - tickMs;
    if (wasHidden && delay > longest) {
      longest = delay;
      report(delay);
    }
    last = now;
    wasHidden = isHidden();
  }, tickMs);
}

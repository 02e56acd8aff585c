// Keeps the screen on while this tab contributes, where the browser allows it: a phone that sleeps stops training.

export interface Awake {
  hold(): void;
  release(): void;
}

/** @param onChange told whenever the lock is gained or lost; the browser takes it away from a hidden tab. */
export function createAwake(
  page: Document,
  wakeLock: WakeLock | undefined,
  onChange: (isHeld: boolean) => void,
): Awake {
  let isWanted = false;
  let lock: WakeLockSentinel | null = null;

  const acquire = async () => {
    if (!isWanted || lock !== null || page.visibilityState !== 'visible') return;
    const gained = await wakeLock?.request('screen').catch(() => null); // refused on a low battery
    if (!gained) return;
    if (!isWanted || lock !== null) return gained.release();
    lock = gained;
    gained.addEventListener('release', () => {
      lock = null;
      onChange(false);
    });
    onChange(true);
  };

  page.addEventListener('visibilitychange', () => void acquire());
  return {
    hold() {
      isWanted = true;
      void acquire();
    },
    release() {
      isWanted = false;
      void lock?.release();
    },
  };
}

// Miniflare ends the whole process at SIGINT and SIGTERM. Whoever embeds a coordinator wants to end in order: workers first,
// then the coordinator.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `start` and takes back the signal listeners that it added. Its listener for the process's exit stays. */
export async function withoutSignalListeners<T>(start: () => Promise<T>): Promise<T> {
  const before = new Map(signals.map((signal) => [signal, new Set(process.listeners(signal))]));
  try {
    return await start();
  } finally {
    for (const signal of signals) {
      const added = process.listeners(signal).filter((listener) => !before.get(signal)!.has(listener));
      for (const listener of added) process.removeListener(signal, listener);
    }
  }
}

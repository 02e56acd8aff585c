// Numbers and times as the page shows them: always with a unit, grouped by thousands, at most three meaningful digits where
// more would only flicker. The page is written in English, so the locale is fixed.

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const dash = '–';

/** 310240 -> '310,240' */
export function formatCount(value: number): string {
  return grouped.format(Math.round(value));
}

/** Tokens a second, rounded to three digits: 9843 -> '9,840', 41.26 -> '41.3'. */
export function formatRate(tokensPerSecond: number): string {
  if (tokensPerSecond <= 0) return '0';
  if (tokensPerSecond < 100) return String(Number(tokensPerSecond.toPrecision(3)));
  return grouped.format(Number(tokensPerSecond.toPrecision(3)));
}

/** Decimal bytes: 12345678 -> '12.3 MB'. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Nats per byte; null while nothing was measured. */
export function formatLoss(loss: number | null, digits = 2): string {
  return loss === null ? dash : loss.toFixed(digits);
}

/** A fraction of a whole as a percentage: 0.004 -> '<1%'. */
export function formatShare(fraction: number): string {
  if (fraction > 0 && fraction < 0.01) return '<1%';
  return `${Math.floor(fraction * 100 + 1e-9)}%`;
}

/** Two units at most: 200000 -> '3 min 20 s'. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What is left of a run, coarse enough not to jump about at every reading: 'about 3 min left'. */
export function formatRemaining(ms: number): string {
  if (ms < 10_000) return 'a few seconds left';
  if (ms < 60_000) return `about ${Math.ceil(ms / 10_000) * 10} s left`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 90 ? `about ${minutes} min left` : `about ${Math.round(minutes / 60)} h left`;
}

/** How long ago a moment was: 'just now', '5 min ago', '3 h ago', '2 days ago'. */
export function formatAgo(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.floor(hours / 24)} days ago`;
}

/** Both ends of a hash; the whole stands in the title. */
export function shortHash(hash: string): string {
  return `${hash.slice(0, 8)}…${hash.slice(-4)}`;
}

/** 'w-4f0c19ab7d2e' -> '4f0c19'. */
export function shortWorker(workerId: string): string {
  return workerId.replace(/^w-/, '').slice(0, 6);
}

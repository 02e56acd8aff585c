// What happened between two snapshots of a worker, in lines for people and pipes: one for each thing worth knowing.

import type { WorkerSnapshot } from '../worker/events.ts';

const numbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Returns a function that takes snapshot after snapshot and says what is new. */
export function eventLines(): (snapshot: WorkerSnapshot) => string[] {
  let last: WorkerSnapshot | null = null;
  return (snapshot) => {
    const lines = news(last, snapshot);
    last = snapshot;
    return lines;
  };
}

function news(last: WorkerSnapshot | null, now: WorkerSnapshot): string[] {
  const lines: string[] = [];
  if (now.workerId !== null && now.workerId !== last?.workerId) lines.push(`registered as ${now.workerId}`);
  if (now.jobId !== null && now.jobId !== last?.jobId) lines.push(`job ${now.jobId}`);
  if (now.backend !== null && (last?.backend ?? null) === null) {
    lines.push(`training on ${now.backend.adapter}: ${now.backend.why}`);
  }
  if (last !== null && now.roundsAccepted > last.roundsAccepted) lines.push(roundLine(now));
  if (now.warning !== '' && now.warning !== last?.warning) lines.push(now.warning);
  if (now.reason !== '' && now.reason !== last?.reason) lines.push(`${now.phase}: ${now.reason}`);
  return lines;
}

function roundLine({ roundsAccepted, loss, tokensPerSecond, tokensTrained, exchange }: WorkerSnapshot): string {
  const peers = exchange.links.filter((link) => link.state === 'open').length;
  return [
    `round accepted (${roundsAccepted} so far)`,
    `loss ${loss?.toFixed(3) ?? '-'}`,
    `${numbers.format(tokensPerSecond)} tokens/s`,
    `${numbers.format(tokensTrained)} tokens`,
    `${peers} ${peers === 1 ? 'peer' : 'peers'}`,
    `${numbers.format(exchange.bytesSent / 1024)} KiB sent`,
  ].join(', ');
}

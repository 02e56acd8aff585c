// One line about all workers of this machine.

import { formatLoss, formatRate } from '../../page/format.ts';
import type { WorkerSnapshot } from '../../worker/events.ts';

type Shown = Pick<WorkerSnapshot, 'phase' | 'reason' | 'round' | 'loss' | 'tokensPerSecond'>;

/** Those that train together in one part, the others grouped by what they do and why. */
export function crewLine(snapshots: readonly Shown[]): string {
  const busy = snapshots.filter(({ phase }) => phase === 'training' || phase === 'exchanging');
  const others = new Map<string, number>();
  for (const { phase, reason } of snapshots.filter((snapshot) => !busy.includes(snapshot))) {
    const what = reason === '' ? phase : `${phase}: ${reason}`;
    others.set(what, (others.get(what) ?? 0) + 1);
  }
  const parts = [...others].map(([what, count]) => `${workers(count)} ${what}`);
  return [...(busy.length === 0 ? [] : [busyLine(busy)]), ...parts].join('  ');
}

function busyLine(busy: readonly Shown[]): string {
  const round = Math.max(...busy.map((snapshot) => snapshot.round));
  const loss = busy.find((snapshot) => snapshot.loss !== null)?.loss ?? null;
  const speed = busy.reduce((sum, snapshot) => sum + snapshot.tokensPerSecond, 0);
  return `${workers(busy.length)} training: round ${round}, loss ${formatLoss(loss, 3)}, ${formatRate(speed)} tokens/s`;
}

const workers = (count: number): string => `${count} ${count === 1 ? 'worker' : 'workers'}`;

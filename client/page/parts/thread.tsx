// A worker's thread through the cloth.

import type { ClothRound } from '../watch/cloth.ts';

const mostColumns = 48; // rounds a thread shows
const fewestColumns = 24; // fewer rounds than that leave room at the end

/** The rounds that are drawn, oldest first. */
export function drawnRounds(rounds: readonly ClothRound[]): readonly ClothRound[] {
  return rounds.slice(-mostColumns);
}

/**
 * One worker's thread through the newest rounds: a block where its work was accepted, a tick where it came too late.
 * Blocks alternate in height as over and under do in cloth; that has no other meaning.
 */
export function Thread({ rounds, workerId, row }: { rounds: readonly ClothRound[]; workerId: string; row: number }) {
  const visible = drawnRounds(rounds);
  const columns = Math.max(fewestColumns, visible.length);
  const isAccepted = (round: ClothRound) => round.accepted.includes(workerId);
  const isOver = (round: ClothRound) => (round.round + row) % 2 === 0;
  const accepted = visible.filter(isAccepted).length;
  return (
    <svg
      viewBox={`0 0 ${columns * 6 - 1} 14`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`in ${accepted} of the last ${visible.length} rounds`}
    >
      <path class="warp" d={`M0 6.5h${columns * 6}v1h-${columns * 6}z`} />
      <path class="accepted" d={blocks(visible, (round) => isAccepted(round) && isOver(round), 14)} />
      <path class="accepted" d={blocks(visible, (round) => isAccepted(round) && !isOver(round), 10)} />
      <path class="late" d={blocks(visible, (round) => round.late.includes(workerId), 4)} />
    </svg>
  );
}

function blocks(rounds: readonly ClothRound[], isDrawn: (round: ClothRound) => boolean, height: number): string {
  return rounds
    .map((round, index) => (isDrawn(round) ? `M${index * 6} ${(14 - height) / 2}h5v${height}h-5z` : ''))
    .join('');
}

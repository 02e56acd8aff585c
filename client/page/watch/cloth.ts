// The cloth of a job: which worker's work is in which round, as the ledger tells it. A fold over events, so that pages of
// events may be added as they come.

import type { LedgerEvent } from '../../../shared/ledger/events.ts';

export interface ClothRound {
  round: number;
  accepted: readonly string[]; // worker ids, in the order of application
  late: readonly string[]; // took part, but were not in when the round closed
  isOpen?: boolean; // more of it follows
}

/** Rounds beyond this many are dropped from the front: no screen is wider. */
export const maxClothRounds = 400;

/** Adds ledger events, oldest first, to the rounds known so far. Events about other things change nothing. */
export function weave(rounds: readonly ClothRound[], events: readonly LedgerEvent[]): ClothRound[] {
  const woven = [...rounds];
  for (const event of events) {
    if (event.type === 'round.rewound') unravel(woven, event.data.to);
    if (event.type === 'round.credited') add(woven, event.data, false);
    if (event.type === 'round.closed') add(woven, event.data, true);
  }
  return woven.slice(-maxClothRounds);
}

type Told = Extract<LedgerEvent, { type: 'round.credited' }>['data'];

/** A large round is told in several events, of which one closes it. */
function add(rounds: ClothRound[], { round, accepted, late }: Told, closes: boolean): void {
  const begun = rounds.at(-1)?.round === round && rounds.at(-1)!.isOpen ? rounds.at(-1) : undefined;
  unravel(rounds, round);
  rounds.push({
    round,
    accepted: [...(begun?.accepted ?? []), ...accepted.map(({ workerId }) => workerId)],
    late: [...(begun?.late ?? []), ...late],
    ...(!closes && { isOpen: true }),
  });
}

/** Takes off every round from `round` on: it will be, or was, done again. */
function unravel(rounds: ClothRound[], round: number): void {
  while (rounds.length > 0 && rounds.at(-1)!.round >= round) rounds.pop();
}

// A closed round in the ledger. Whose work it took is as long as the swarm is large, and an event is one row and part of one
// message: so it is told in parts that are not.

import type { LedgerEventDraft } from '../../ledger/events.ts';
import { maxListed } from '../limits.ts';

type Closed = Extract<LedgerEventDraft, { type: 'round.closed' }>['data'];
type Credited = Extract<LedgerEventDraft, { type: 'round.credited' }>['data'];

/** The same round with at most `maxListed` contributions and participants that were late, and the others, to be recorded before it. */
export function inParts(closed: Closed): { before: Credited[]; closed: Closed } {
  const { round, accepted, late } = closed;
  const events = Math.max(0, Math.ceil(Math.max(accepted.length, late.length) / maxListed) - 1);
  if (events === 0) return { before: [], closed };
  const part = <T>(list: readonly T[], index: number): T[] => list.slice(index * maxListed, (index + 1) * maxListed);
  const before = Array.from({ length: events }, (_, index) => ({
    round,
    accepted: part(accepted, index),
    late: part(late, index),
  }));
  const listed = events * maxListed;
  const credited = { events, accepted: Math.min(listed, accepted.length), late: Math.min(listed, late.length) };
  return { before, closed: { ...closed, accepted: part(accepted, events), late: part(late, events), credited } };
}

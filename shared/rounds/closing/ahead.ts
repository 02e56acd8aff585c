// With bounded staleness, or for the next fragment, workers train on while a round closes. What they do beside the open round, or
// too late for it, is kept here and goes into the next one, unless the state it was trained from is too old by then. A worker has one piece of work at a
// time that it has not committed, in the open round or here.

import { ownCopy, change } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, Part, RoomState, Work } from '../types.ts';
import { staleness } from '../views.ts';

/** Whether `round` may still take this work. */
export function isFresh(state: RoomState, round: number, { assignment }: Work): boolean {
  const late = round - assignment.round;
  return late >= 0 && late <= staleness(state);
}

export function setAhead(turn: Turn, id: string, work: Work): void {
  const ahead = ownCopy(turn, turn.state.ahead);
  ahead[id] = work;
  change(turn, { ahead });
}

/** Nothing will come of it. */
export function dropAhead(turn: Turn, id: string): void {
  if (turn.state.ahead[id] === undefined) return;
  const { [id]: _, ...ahead } = turn.state.ahead;
  change(turn, { ahead });
}

/** After a round has closed: what it did not take waits for the next one, unless its author has lost it. */
export function keepUntaken(turn: Turn, { parts }: OpenRound, credits: Readonly<Record<string, number>>): void {
  const untaken = Object.entries(parts).filter(([id, part]) => credits[id] === undefined && !isLost(part));
  const works = untaken.map(([id, { assignment, commit }]): [string, Work] => [id, { assignment, commit }]);
  const all = { ...Object.fromEntries(works), ...turn.state.ahead };
  const fresh = Object.entries(all).filter(([, work]) => isFresh(turn.state, turn.state.round, work));
  change(turn, { ahead: Object.fromEntries(fresh) });
}

/** It committed, and came back without its memory. */
function isLost({ commit, received }: Part): boolean {
  return commit !== null && !received.includes(commit.hash);
}

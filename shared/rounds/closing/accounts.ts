// What accepted work is worth to its authors, and what of it may not be handed in again.

import type { AcceptedContribution } from '../../protocol/messages.ts';
import { changeMember } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound } from '../types.ts';
import { spentKey } from './collect.ts';

/** Adds accepted tokens to their authors' accounts; `sign` -1 takes them back when a round is undone. */
export function credit(turn: Turn, credits: Readonly<Record<string, number>>, sign: 1 | -1): void {
  for (const [workerId, tokens] of Object.entries(credits)) {
    const member = turn.state.members[workerId];
    if (member === undefined) continue;
    const tokensAccepted = member.tokensAccepted + sign * tokens;
    changeMember(turn, workerId, { tokensAccepted, roundsAccepted: member.roundsAccepted + sign });
  }
}

/** Neither a contribution nor what a group made of some may be handed in again. */
export function spentIn({ nodes }: OpenRound, credited: readonly AcceptedContribution[]): string[] {
  const folds = Object.values(nodes).flatMap(({ fold }) => (fold === null ? [] : [fold]));
  return [...credited, ...folds].map(({ hash }) => spentKey(hash));
}

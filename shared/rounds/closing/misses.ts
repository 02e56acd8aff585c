// Who was of no use to a round: asked for less where it was late, and left to rest where that happens again and again.

import { maxMisses, maxRestRounds } from '../limits.ts';
import { changeMember } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenRound, Part, RoomState } from '../types.ts';
import { isActive, staleness } from '../views.ts';

/**
 * Whoever was still training at the deadline is not as fast as it was thought to be. Less than one step cannot be asked of it: to
 * think it slower than that would only move the deadlines.
 */
export function slowDownLate(turn: Turn, open: OpenRound): void {
  for (const [id, part] of Object.entries(open.parts)) {
    const member = turn.state.members[id];
    const isLate = part.commit === null && turn.state.ahead[id] === undefined;
    if (isLate && part.assignment.steps > 1 && isActive(member)) {
      changeMember(turn, id, { tokensPerSecond: member.tokensPerSecond / 2 });
    }
  }
}

/** Whoever is of no use again and again rests for a while. */
export function noteMisses(turn: Turn, open: OpenRound): void {
  for (const [id, part] of Object.entries(open.parts)) {
    const member = turn.state.members[id];
    if (!isActive(member) || (part.commit === null && turn.state.ahead[id] !== undefined)) continue;
    const isUseful = part.commit !== null && hasHeardOthers(turn.state, open, id, part);
    const isWrong = open.nodes[part.node]!.adding?.wrong.includes(id) === true;
    const misses = isWrong ? Math.max(maxMisses, member.misses + 1) : isUseful ? 0 : member.misses + 1;
    const rest = misses < maxMisses ? 0 : Math.min(maxRestRounds, 2 ** (misses - 1));
    changeMember(turn, id, { misses, restsUntil: open.round + 1 + rest });
  }
}

/** With bounded staleness a round does not wait for everyone to hear of all. */
function hasHeardOthers(state: RoomState, { nodes, parts }: OpenRound, id: string, part: Part): boolean {
  if (staleness(state) > 0 || nodes[part.node]!.folders[id] !== undefined) return true;
  const others = nodes[part.node]!.members.filter((other) => other !== id && parts[other]?.commit);
  return others.length === 0 || part.received.length > 1;
}

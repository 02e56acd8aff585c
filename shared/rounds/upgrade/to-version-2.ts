// 1 -> 2: workers that left say why, the first deadline of a round is remembered, those who are silent are marked, work may be
// done for later rounds, and courts know whose word proved true. Builds of version 1 had more and more of this.

import { unknownStanding } from '../../verification/standing.ts';
import { eachOf } from './stored.ts';
import type { Fields } from './stored.ts';
import type { Version2 } from './to-version-3.ts';

export interface Version1 extends Fields {
  readonly version: 1;
  readonly members: Readonly<Record<string, Fields>>;
  readonly open: OpenRound | null;
  readonly court: Fields & { readonly standings: Readonly<Record<string, Fields>> };
}

interface OpenRound extends Fields {
  readonly openedAt: number;
  readonly deadlineMs: number;
  readonly extensions: number;
  readonly parts: Readonly<Record<string, Fields>>;
}

export function toVersion2(stored: Version1): Version2 {
  const { members, open, court } = stored;
  return {
    ahead: {},
    ...stored,
    version: 2,
    members: eachOf(members, (member) => ({ leftBecause: '', ...member })),
    open: open && withTimes(open),
    court: { ...court, standings: eachOf(court.standings, (standing) => ({ ...unknownStanding, ...standing })) },
  } as unknown as Version2;
}

/** Each extension gave as much time as the round had at first. */
function withTimes(open: OpenRound): Fields {
  const { openedAt, deadlineMs, extensions, parts } = open;
  const givenMs = (deadlineMs - openedAt) / (extensions + 1);
  return { givenMs, shareAt: null, ...open, parts: eachOf(parts, (part) => ({ isSilent: false, ...part })) };
}

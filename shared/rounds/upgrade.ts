// A room that an earlier build of the coordinator stored, as this build knows it: jobs go on over an update of the Worker.

import { parseManifest } from '../manifest/manifest.ts';
import { newCourt } from '../verification/court.ts';
import { unknownStanding } from '../verification/standing.ts';
import { newRoom } from './room.ts';
import type { RoomState } from './types.ts';

/**
 * What came with later versions begins as if nothing had happened. The open round of an older version is opened again: its work is
 * lost, what was accepted is not; so are the trials of its court, while every worker's standing stays.
 * @returns the same object when there is nothing to do
 */
export function upgraded(stored: RoomState): RoomState {
  const current = newRoom(stored.jobId, parseManifest(stored.manifest));
  if (stored.version === current.version) return stored;
  const { standings, ...counts } = stored.court;
  return {
    ...current,
    ...stored,
    version: current.version,
    manifest: current.manifest,
    open: null,
    log: stored.log.map((closed) => ({ ...closed, spent: closed.spent ?? 0 })),
    members: mapped(stored.members, (member) => ({ ...member, leftBecause: member.leftBecause ?? '' })),
    court: {
      ...newCourt,
      ...counts,
      trials: [],
      standings: mapped(standings, (standing) => ({ ...unknownStanding, ...standing })),
    },
  };
}

function mapped<T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

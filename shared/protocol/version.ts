// Versions of the protocol: which are spoken, how two sides choose one, what a job needs, and how a room speaks to a worker of
// an earlier version. So a coordinator is updated first and its workers after it, in the middle of their jobs.
//
// 1  everyone exchanges with everyone
// 2  topologies and groups (`topology`, `group`, `fold`), many commits in one `committed`, draining (`drain`, `released`)
// 3  contributions that say their `staleness` and closed rounds their `learningRate`, in jobs with staleness, gradients or fragments,
//    which older workers cannot do, nor those of more than 1,000 workers, whose address of the room ends in ?worker=ID; rings that
//    add up (`segments`, `pieces`, `sum`, `summed`, `join`): a room does that only among workers that all know it
// 4  peers that come with the time over which they are dialled (`dialMs`); older workers dial at once

import type { ErrorBody } from '../errors.ts';
import { manifestIn } from '../manifest/earlier.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { protocolVersion } from './messages.ts';
import type { AcceptedContribution, Peer, RoomMessage } from './messages.ts';

export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

export const roomSpeaks: VersionRange = { oldest: 1, newest: protocolVersion };
/** A worker of this build. */
export const workerSpeaks: VersionRange = { oldest: 2, newest: protocolVersion };

/** What a hello or a registration says that its worker speaks. */
export function rangeOf({ version, oldest = version }: { version: number; oldest?: number | undefined }): VersionRange {
  return { oldest, newest: version };
}

/** The newest version that both speak; null when there is none. */
export function chooseVersion(theirs: VersionRange, ours: VersionRange): number | null {
  const newest = Math.min(theirs.newest, ours.newest);
  return newest >= Math.max(theirs.oldest, ours.oldest) ? newest : null;
}

/** Why a worker is refused that speaks none of ours. */
export function unspoken({ oldest, newest }: VersionRange): ErrorBody {
  const theirs = oldest === newest ? `protocol ${newest}` : `protocols ${oldest} to ${newest}`;
  const side = oldest > roomSpeaks.newest ? 'the coordinator has to be updated' : 'the worker has to be updated';
  const allowed = `${roomSpeaks.oldest} to ${roomSpeaks.newest}`;
  return { code: 'unsupported_version', message: `this worker speaks ${theirs}; ${side}`, where: 'version', allowed };
}

/** The oldest version whose workers can do a job. */
export function versionNeeded(manifest: Manifest): number {
  let version = roomSpeaks.oldest;
  while (version < roomSpeaks.newest && manifestIn(version, manifest) === null) version += 1;
  return version;
}

/** Why a worker is refused that speaks an older version than its job needs. */
export function tooOld(version: number, manifest: Manifest): ErrorBody {
  const message = `this job needs protocol ${versionNeeded(manifest)}, this worker speaks ${version}; it has to be updated`;
  return { code: 'unsupported_version', message, where: 'version', allowed: `${versionNeeded(manifest)} or later` };
}

/** A room's message in the words of a version: several for one that said less at once, none for what it does not know. */
export function inVersion(version: number, message: RoomMessage): object[] {
  const known = version >= 4 ? message : inVersion3(message);
  return version >= 2 ? [known] : inVersion1(known);
}

function inVersion3(message: RoomMessage): RoomMessage {
  if (message.type !== 'peers') return message;
  const { dialMs: _, ...known } = message;
  return known;
}

function inVersion1(message: RoomMessage): object[] {
  switch (message.type) {
    case 'welcome':
    case 'peers': {
      const { topology: _, peers, ...rest } = message;
      return [{ ...rest, peers: peers.map(peerInVersion1) }];
    }
    case 'committed':
      return message.contributions.map((contribution) => ({
        type: message.type,
        round: message.round,
        contribution: contributionInVersion1(contribution),
      }));
    default:
      return known1.has(message.type) ? [message] : [];
  }
}

const known1: ReadonlySet<RoomMessage['type']> = new Set([
  'assign',
  'close',
  'agreed',
  'checkpointed',
  'resync',
  'relay',
  'lease',
  'finish',
  'refused',
] as const);

function peerInVersion1({ group: _, ...peer }: Peer): object {
  return peer;
}

function contributionInVersion1({ folds: _, ...contribution }: AcceptedContribution): object {
  return contribution;
}

// What this worker knows of the room: a pure fold over the room's messages. Nothing here waits or sends.

import type {
  Assignment,
  ClosedRound,
  Lease,
  Peer,
  RoomMessage,
  StoredCheckpoint,
  Topology,
} from '../../../shared/protocol/messages.ts';

export interface RoomView {
  readonly welcomed: boolean; // the room has told us where it stands
  readonly round: number; // the open round, or the one that opens next
  readonly stateHash: string | null; // agreed state of `round`
  readonly checkpoint: StoredCheckpoint | null;
  readonly log: readonly ClosedRound[]; // from the checkpoint's round to round - 1
  readonly assignment: Assignment | null; // our part in the open round, or what we do for a later one
  readonly staleness: number; // rounds by which work may be late
  readonly earliness: number; // rounds before one opens in which we may work for it
  readonly lease: Lease | null; // an upload the room asked us for
  readonly released: boolean; // we drain, and may go
  readonly finish: { state: 'completed' | 'failed' | 'cancelled'; reason: string } | null;
  readonly topology: Topology;
  readonly peers: readonly Peer[]; // those we work with, ourselves included; in a mesh all present members
}

export const unknownRoom: RoomView = {
  welcomed: false,
  round: 0,
  stateHash: null,
  checkpoint: null,
  log: [],
  assignment: null,
  staleness: 0,
  earliness: 0,
  lease: null,
  released: false,
  finish: null,
  topology: 'mesh',
  peers: [],
};

/** The view after a message. Messages about payloads and `refused` change nothing here. */
export function see(view: RoomView, message: RoomMessage): RoomView {
  switch (message.type) {
    case 'welcome':
      return {
        ...beginAnew(view, message),
        topology: message.topology,
        peers: message.peers,
        assignment: stillWanted(view, message.round),
      };
    case 'resync':
      return beginAnew(view, message);
    case 'peers':
      return { ...view, topology: message.topology, peers: message.peers };
    case 'assign':
      return { ...view, assignment: message.assignment };
    case 'close':
      return close(view, message.closed);
    case 'agreed':
      return agree(view, message.round, message.stateHash);
    case 'checkpointed':
      return checkpointed(view, message.checkpoint);
    case 'lease':
      return { ...view, lease: message.lease };
    case 'released':
      return { ...view, released: true };
    case 'finish':
      return { ...view, finish: { state: message.state, reason: message.reason } };
    case 'committed':
    case 'fold':
    case 'sum':
    case 'join':
    case 'measure':
    case 'audit':
    case 'confirm':
    case 'standing':
    case 'relay':
    case 'refused':
      return view;
  }
}

/** The agreed hash of a round's state, as far as the view knows it. */
export function agreedHash(view: RoomView, round: number): string | null {
  if (round === view.round) return view.stateHash;
  if (round === view.checkpoint?.round) return view.checkpoint.stateHash;
  return view.log.find((closed) => closed.round === round - 1)?.stateHash ?? null;
}

type Standing = Pick<RoomView, 'round' | 'stateHash' | 'checkpoint' | 'log'>;

/** The room tells everything again; what it asked of us before it will repeat. */
function beginAnew(view: RoomView, { round, stateHash, checkpoint, log }: Standing): RoomView {
  const { topology, peers, finish, staleness, earliness } = view;
  return {
    ...unknownRoom,
    topology,
    peers,
    finish,
    staleness,
    earliness,
    welcomed: true,
    round,
    stateHash,
    checkpoint,
    log,
  };
}

/** Work in hand goes on over a lost connection; the room assigns anew what it wants otherwise. */
function stillWanted(view: RoomView, round: number): Assignment | null {
  return view.assignment !== null && isInTime(view, view.assignment, round) ? view.assignment : null;
}

/** Whether work may be done while this round is the current one. */
export function isInTime({ staleness, earliness }: RoomView, assignment: Assignment, round: number): boolean {
  const late = round - assignment.round;
  return late >= -earliness && late <= staleness;
}

function close(view: RoomView, closed: ClosedRound): RoomView {
  if (closed.round !== view.round) return view;
  const round = view.round + 1;
  const opened = { round, stateHash: closed.stateHash, assignment: stillWanted(view, round) };
  return { ...view, ...opened, log: [...view.log, closed] };
}

function agree(view: RoomView, round: number, stateHash: string): RoomView {
  const log = view.log.map((closed) => (closed.round === round - 1 ? { ...closed, stateHash } : closed));
  return { ...view, log, stateHash: round === view.round ? stateHash : view.stateHash };
}

function checkpointed(view: RoomView, checkpoint: StoredCheckpoint): RoomView {
  return { ...view, checkpoint, log: view.log.filter((closed) => closed.round >= checkpoint.round) };
}

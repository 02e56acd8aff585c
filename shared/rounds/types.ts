// The vocabulary of the training round. `tick(state, event, now)` in room.ts is the only function that changes a RoomState;
// the job's Durable Object feeds it events and carries out its effects, the simulator does the same with virtual workers.
// Everything here is plain JSON, so a state can be stored and replayed.

import type {
  Assignment,
  BackendInfo,
  ClosedRound,
  Lease,
  Peer,
  RoomMessage,
  StoredCheckpoint,
  Traffic,
  WorkerMessage,
} from '../protocol/messages.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { LedgerEventDraft } from '../ledger/events.ts';

export type JobState = 'queued' | 'waiting' | 'running' | 'finishing' | 'completed' | 'failed' | 'cancelled';

/** A worker the room knows. It stays in the list while it is away, so that its share and its last state are remembered. */
export interface Member extends Peer {
  backend: BackendInfo;
  present: boolean; // has an open socket
  paused: boolean;
  tokensPerSecond: number; // smoothed over its rounds
  holds: { round: number; stateHash: string } | null; // the agreed state it last reported
  tokensAccepted: number;
  roundsAccepted: number;
  traffic: Traffic;
}

/** A participant's progress in the open round. */
export interface Part {
  assignment: Assignment;
  commit: { hash: string; bytes: number; tokens: number; loss: number } | null;
  received: string[]; // payload hashes it reported; its own is implied
}

export interface OpenRound {
  round: number;
  openedAt: number; // unix ms, as every time here
  deadlineMs: number; // may be moved: adaptive grace
  parts: Record<string, Part>; // by worker id
}

export interface ClosingRound {
  closed: ClosedRound;
  closedAt: number;
  reports: Record<string, string>; // state hash by worker id
}

export interface LossPoint {
  round: number;
  tokens: number; // accepted so far in the job
  trainLoss: number | null; // token-weighted mean of the accepted contributions
  validationLoss: number | null; // of the agreed state at the round's start
  at: number;
}

export interface RoomState {
  version: 1;
  jobId: string;
  manifest: Manifest;
  phase: JobState;
  reason: string; // why it waits, failed or was cancelled; '' otherwise
  members: Record<string, Member>;
  round: number; // the open round, or the next one to open
  stateHash: string | null; // agreed state of `round`
  open: OpenRound | null;
  closing: ClosingRound | null;
  checkpoint: StoredCheckpoint | null;
  log: ClosedRound[]; // since the checkpoint, in order
  lease: (Lease & { workerId: string }) | null;
  fence: number;
  tokens: number; // accepted so far
  startedAt: number | null;
  recentRoundMs: number[]; // durations of the last rounds, for the deadline
  losses: LossPoint[]; // one per closed round; thinned beyond 2,000
  stateHashes: string[]; // agreed hash per round, in order
  evaluation: { loss: number; tokens: number; unigramLoss: number; bigramLoss: number } | null;
  refused: Record<string, number>; // refused messages by error code
}

export type RoomEvent =
  | { type: 'message'; workerId: string; message: WorkerMessage } // parsed; hello only after its token was checked
  | { type: 'gone'; workerId: string; reason: string } // socket closed or silent
  | { type: 'refused'; code: string } // a message or connection was refused at the boundary
  | { type: 'stored'; kind: 'checkpoint' | 'artifact'; fence: number; bytes: number } // the coordinator saw the upload arrive whole
  | { type: 'cancel'; reason: string }
  | { type: 'wake' } // the alarm
  | { type: 'restarted' }; // the room was rebuilt from storage: every socket is gone until it says hello again

export type RoomEffect =
  | { type: 'send'; to: string; message: RoomMessage } // to one worker id
  | { type: 'broadcast'; message: RoomMessage } // to every present member
  | { type: 'disconnect'; workerId: string; reason: string }
  | { type: 'record'; event: LedgerEventDraft } // append to the ledger before anything after it is sent
  | { type: 'wake-at'; at: number }; // the one alarm; a later effect replaces an earlier one

export interface Tick {
  state: RoomState;
  effects: RoomEffect[];
}

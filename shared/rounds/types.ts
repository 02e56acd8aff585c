// The vocabulary of the training round. `tick(state, event, now)` in room.ts is the only function that changes a RoomState;
// the job's Durable Object feeds it events and carries out its effects, the simulator does the same with virtual workers.
// Everything here is plain JSON, so a state can be stored and replayed.

import type {
  AcceptedContribution,
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
import type { Court } from '../verification/court.ts';
import type { Shard } from '../verification/trial.ts';
import type { WorkerRecord } from '../verification/reputation.ts';
import type { Gate } from '../verification/gate.ts';
import type { Overlay } from '../topology/overlay.ts';

export type JobState = 'queued' | 'waiting' | 'running' | 'finishing' | 'completed' | 'failed' | 'cancelled';

/** An agreed state, named by its round and its hash. */
export interface StateRef {
  round: number;
  stateHash: string;
}

/** A worker the room knows. It stays in the list while it is away, so that its share and its last state are remembered. */
export interface Member extends Omit<Peer, 'group'> {
  backend: BackendInfo;
  present: boolean; // has an open socket
  leftBecause: string; // why it is not present; '' while it is
  version: number; // of the protocol that it speaks
  paused: boolean;
  drains: 'asked' | 'released' | null; // is about to leave: gets no further part; released = was told that it may go
  tokensPerSecond: number; // smoothed over its rounds; 0 = not known yet
  holds: StateRef | null; // the state it last reported, unless that is known to be wrong
  told: number; // stands for the neighbours it was last told of
  misses: number; // rounds in a row that it was of no use to: no commit in time, or no word of what it received
  restsUntil: number; // round in which it is asked again after many misses
  resyncs: number; // fresh starts it was told to make since it last held the agreed state
  stuck: boolean; // it lacks accepted payloads that nobody present delivers
  tokensAccepted: number;
  roundsAccepted: number;
  traffic: Traffic;
}

export interface Commit {
  hash: string;
  pieces?: readonly string[]; // hashes of its segments, where the round adds up
  bytes: number;
  tokens: number;
  loss: number;
  validation: { loss: number; tokens: number } | null;
}

/** What a worker was asked to train, and its contribution once it has said so. */
export interface Work {
  assignment: Assignment; // its round is that of the state it is trained from
  commit: Commit | null;
}

/** A participant's progress in the open round. */
export interface Part extends Work {
  node: number; // its group
  isAnnounced: boolean; // its group has been told of the commit
  received: string[]; // committed payloads it holds, its own included
  voice: 'unheard' | 'heard' | 'silent'; // silent: others have committed, and it had time to say so much as that it heard of it
  early: string[]; // payloads it holds whose commit the room has not heard yet: peers are faster than the room
}

/** A group, or a meeting of groups, in the open round. */
export interface RoundNode {
  members: readonly string[];
  children: readonly number[]; // none in a group
  folds: boolean; // makes one payload of what came in
  inputs: AcceptedContribution[] | null; // what came in, in the order of application; null while it comes in
  dueAt: number; // when it waits no longer for its members to fold
  folders: Record<string, string>; // the hash of what each member made of the inputs
  fold: AcceptedContribution | null; // what it made of them; null also where it does without
  isDone: boolean;
  adding?: Adding; // in a round that adds up
}

/** How a node adds up: each segment of all payloads by one member, of whom all others get the sum. See closing/add.ts. */
export interface Adding {
  segments: number;
  owners: readonly string[]; // who adds up which segment; none before all have committed
  sums: Record<number, Record<string, string>>; // by segment, what each of those that were asked made of it
  check: { segment: number; by: readonly string[] } | null; // the segment that others are asked to add up as well
  wrong: readonly string[]; // whose sum was not what two others made
  isOver: boolean; // it did not succeed: the node's payloads go to everyone as they are
}

export interface OpenRound {
  round: number;
  nodes: Record<number, RoundNode>; // groups and what lies above them: see shared/topology
  openedAt: number; // unix ms, as every time here
  givenMs: number; // until its first deadline
  deadlineMs: number; // may be moved: adaptive grace
  extensions: number; // how often it was
  progressAt: number; // when the last commit or payload was reported
  waitedMs: number; // in vain, for commits that others have to wait for: with verification, and where the round adds up
  noticeAt: number | null; // when peers are told of new commits
  revealedAt: number | null; // with verification: when all commits were told, and no further one is taken
  gate: { seed: number; tokens: number; state: Gate } | null; // with verification: who measures whom, once revealed
  shareAt: number | null; // with bounded staleness: when the share that the round waits for was in
  settleAt: number | null; // everyone has committed and all is safe: when the round waits no longer for receipts
  parts: Record<string, Part>; // by worker id
}

/** The state of `round` is not agreed yet: its holders report hashes. */
export interface Agreement {
  since: number;
  quorumAt: number | null; // when more than half of those awaited had reported the same hash
}

/** An upload that the room has leased to one worker: complete when the worker and the coordinator both say so. */
export interface OpenLease extends Lease {
  workerId: string;
  stateHash: string; // agreed, of the lease's round
  stored: number | null; // bytes the coordinator saw arrive
  uploaded: Extract<WorkerMessage, { type: 'uploaded' }> | null;
  confirmer: string | null; // with verification: who reads the stored checkpoint
  confirmed: boolean;
}

/** A closed round, and whose work it took: that differs from what is applied where groups folded it. */
export interface LoggedRound extends ClosedRound {
  credits: Record<string, number>; // tokens by worker id
  spent: number; // how many it added to the room's `spent`
}

export interface LossPoint {
  round: number;
  tokens: number; // accepted so far in the job
  trainLoss: number | null; // token-weighted mean of the accepted contributions
  validationLoss: number | null; // of the agreed state at the round's start
  at: number;
}

export interface RoomState {
  version: 4; // whoever changes what is stored takes a new one: see upgrade/upgrade.ts
  jobId: string;
  manifest: Manifest;
  phase: JobState;
  reason: string; // why it waits, failed or was cancelled; '' otherwise
  members: Record<string, Member>;
  round: number; // the open round, or the next one to open
  stateHash: string | null; // agreed state of `round`
  open: OpenRound | null;
  ahead: Record<string, Work>; // by worker id: for the next round, while later rounds may take what was trained from earlier states
  setbacks: { count: number; until: number }; // rounds in a row that could not be added up, and the round from which it is tried again
  attempts: number; // how often `round` was opened and given up without one contribution
  agreement: Agreement | null; // null exactly when stateHash is not
  checkpoint: StoredCheckpoint | null;
  checkpointAt: number; // when it was stored; before the first one, when the job started
  log: LoggedRound[]; // since the checkpoint, in order; the last one's stateHash is null until it is agreed
  overlay: Overlay; // who works with whom
  introduceAt: number | null; // when those whose neighbours have changed are told
  lease: OpenLease | null;
  fence: number;
  leaseFailures: { workers: string[]; count: number; retryAt: number }; // of the upload that is due
  asked: Record<string, { times: number; at: number }>; // requests to put a payload on the relay, by hash
  lostSince: number | null; // since when nobody holds the state of `round` and someone cannot rebuild it
  rejoining: { workers: string[]; until: number } | null; // after a restart: who was present and is waited for
  tokens: number; // accepted so far
  startedAt: number | null;
  endedAt: number | null;
  recentRoundMs: number[]; // from opening to the last progress, for the deadline
  validationTokens: number; // how many tokens the last evaluation took
  losses: LossPoint[]; // one per closed round; thinned beyond `maxLossPoints`
  stateHashes: string[]; // agreed state after each of the last closed rounds, in order; the ledger has them all
  court: Court; // what checks of the workers found; empty without verification
  shards: Shard[]; // with audits: what was committed in the last closed round
  spent: string[]; // the latest accepted contributions, as the last digits of their hashes: none counts twice
  evaluation: { loss: number; tokens: number; unigramLoss: number; bigramLoss: number } | null;
  refused: Record<string, number>; // refused messages by error code
  wakeAt: number | null; // when the alarm is set for
}

export type RoomEvent =
  | { type: 'message'; workerId: string; message: WorkerMessage; record?: WorkerRecord } // parsed; hello only after its token was checked, with what other jobs found of the worker
  | { type: 'gone'; workerId: string; reason: string } // socket closed or silent
  | { type: 'refused'; code: string } // a message or connection was refused at the boundary
  | { type: 'stored'; kind: 'checkpoint' | 'artifact'; fence: number; bytes: number } // the coordinator saw the upload arrive whole
  | { type: 'cancel'; reason: string }
  | { type: 'wake' } // the alarm
  // Sockets died with the object that held them: these workers, or all, are gone until they say hello again.
  | { type: 'restarted'; workers?: readonly string[] };

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

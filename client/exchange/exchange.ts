// How payloads get from one worker to the others. Content-addressed: a payload is asked for, stored and checked by its
// SHA-256, so it does not matter which peer, or the relay, delivered it. Holds payloads until the room no longer needs
// them (a later checkpoint covers their round), so that late joiners can replay the round log.

import type { Peer, StoredCheckpoint, Topology } from '../../shared/protocol/messages.ts';
import type { FetchedState, ReadStored } from './state/state-fetch.ts';

export interface LinkStats {
  peerId: string;
  workerId: string;
  kind: 'page' | 'node';
  state: 'connecting' | 'open' | 'failed';
  via: 'webrtc' | 'relay';
  bytesSent: number;
  bytesReceived: number;
}

export interface ExchangeStats {
  bytesSent: number;
  bytesReceived: number;
  bytesPerSecond: number; // that our links to our group were measured to carry, all of them together; 0 = not known yet
  refusedFrames: number; // malformed, oversized, wrong version, wrong hash
  links: LinkStats[];
}

export interface Exchange {
  readonly peerId: string;
  /**
   * The members that we work with now; dials, keeps or drops links. Links are dialled by the smaller peer id.
   * @param dialMs over how long: each at some moment in it, and all as soon as a payload is to go out or to come
   */
  setPeers(peers: readonly Peer[], topology: Topology, dialMs?: number): void;
  /** Stores a payload of our own and pushes it to the members of our group. */
  publish(round: number, hash: string, payload: Uint8Array): void;
  /** Stores a payload that our group made, and tells all who may need it that it is here. */
  offer(round: number, hash: string, payload: Uint8Array): void;
  /** Stores a payload that was kept from an earlier life of this worker, for peers that ask; pushes nothing. */
  hold(round: number, hash: string, payload: Uint8Array): void;
  /**
   * The payload with this hash: from the store, from `from` first, then from any other peer, then from the relay.
   * @param forOthers neighbours that may need it are told when it is here
   * @throws LoomError `unavailable` when nothing of it came for `timeoutMs`, it is not here after ten times that, or soon after
   *   `signal` aborts
   */
  obtain(
    round: number,
    hash: string,
    from: string | null,
    timeoutMs: number,
    signal?: AbortSignal,
    forOthers?: boolean,
  ): Promise<Uint8Array>;
  has(hash: string): boolean;
  /**
   * A checkpoint's file in pieces from peers, and what they do not deliver from the coordinator's store. Null when no peer has
   * it. The state in it may still be another one than the room agreed on: compare hash and round.
   * @throws LoomError when the store is needed and fails, or contradicts the pieces
   */
  obtainState(checkpoint: StoredCheckpoint, readStored: ReadStored, signal: AbortSignal): Promise<FetchedState | null>;
  /** Uploads payloads we hold to the coordinator's relay, because a worker cannot reach a peer. */
  relay(hashes: readonly string[]): Promise<void>;
  /** Drops the payloads of rounds before this one. */
  forgetBefore(round: number): void;
  stats(): ExchangeStats;
  close(): void;
}

export interface ExchangeEvents {
  /** A payload arrived whole and hashes right. */
  onPayload(round: number, hash: string): void;
  /** A link opened, failed or went away. */
  onLinks(): void;
}

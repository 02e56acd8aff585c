// Our place at the coordinator's PeerJS signalling: dials peers, answers dials, and comes back by itself when the signalling
// server was away. Links that are open do not need it and survive its absence.

import type { DataConnection, Peer, PeerOptions } from 'peerjs';
import { LoomError } from '../../../shared/errors.ts';
import { backoffMs } from '../../timing/backoff.ts';
import { Bell } from '../../timing/wait.ts';

/** `new Peer(id, options)`: PeerJS as the page bundles it, or on node-datachannel (client/node/rtc.ts). */
export type CreatePeer = (id: string, options: PeerOptions) => Peer;

export interface PeerHostOptions {
  peerId: string;
  jobId: string; // the signalling of each job is its own: PeerJS's `key`
  coordinator: URL;
  createPeer: CreatePeer;
  /** Someone dialled us; the connection is open. */
  onConnection: (connection: DataConnection) => void;
  random: () => number;
  dialTimeoutMs: number;
}

export class PeerHost {
  private readonly options: PeerHostOptions;
  private readonly connected = new Bell();
  private peer: Peer;
  private attempt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  /** Ends what is open or being opened. */
  private readonly ends = new Map<DataConnection, () => void>();

  constructor(options: PeerHostOptions) {
    this.options = options;
    this.peer = this.connect();
  }

  /**
   * Opens a connection to a peer and hands it to `use` before its first message can arrive. Both sides see its label.
   * @throws LoomError `unavailable` if it does not open in time
   */
  async dial(peerId: string, use: (connection: DataConnection) => void, label?: string): Promise<void> {
    if (!this.peer.open) await this.connected.wait(this.options.dialTimeoutMs);
    if (!this.peer.open) throw new LoomError('unavailable', 'not connected to the signalling server');
    const options = { serialization: 'raw', reliable: true };
    const connection = this.peer.connect(peerId, label === undefined ? options : { ...options, label });
    await this.whenOpen(connection, use);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    for (const end of this.ends.values()) end(); // PeerJS itself forgets some where a peer has several
    this.peer.destroy();
  }

  private connect(): Peer {
    const { peerId, jobId, coordinator, createPeer, onConnection } = this.options;
    const peer = createPeer(peerId, signalling(coordinator, jobId));
    peer.on('open', () => {
      this.attempt = 0;
      this.connected.ring();
    });
    peer.on('connection', (connection) => {
      this.whenOpen(connection, onConnection).catch(() => connection.close());
    });
    peer.on('disconnected', () => this.comeBack());
    // Nothing to do: a failed dial times out, a lost server emits `disconnected`.
    peer.on('error', () => undefined);
    return peer;
  }

  private comeBack(): void {
    if (this.closed) return;
    const wait = backoffMs(this.attempt++, this.options.random);
    this.retry = setTimeout(() => {
      // PeerJS destroys a peer that has never been connected; one that has been keeps its id and its links.
      if (this.peer.destroyed) this.peer = this.connect();
      else this.peer.reconnect();
    }, wait);
  }

  private whenOpen(connection: DataConnection, use: (connection: DataConnection) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (message: string): void => {
        clearTimeout(timer);
        this.ends.delete(connection);
        connection.close();
        reject(new LoomError('unavailable', message, { where: connection.peer }));
      };
      const timer = setTimeout(() => fail('no answer to the dial'), this.options.dialTimeoutMs);
      this.ends.set(connection, () => fail('we left'));
      connection.on('error', (error) => fail(error.message));
      connection.on('close', () => this.ends.delete(connection));
      connection.on('open', () => {
        if (!hasChannel(connection)) return fail('it closed while it opened');
        clearTimeout(timer);
        use(connection);
        resolve();
      });
    });
  }
}

/** PeerJS takes the channel away when a connection closes; in Chromium one has been seen to open after that. */
export function hasChannel({ open, dataChannel }: DataConnection): boolean {
  return open && (dataChannel as RTCDataChannel | null) !== null;
}

/** PeerJS options for the coordinator's own signalling, which answers at /peerjs under its root. */
function signalling(coordinator: URL, key: string): PeerOptions {
  const secure = coordinator.protocol === 'https:';
  return {
    host: coordinator.hostname,
    port: coordinator.port === '' ? (secure ? 443 : 80) : Number(coordinator.port),
    path: '/',
    key,
    secure,
    config: { iceServers: isLocal(coordinator.hostname) ? [] : [{ urls: 'stun:stun.cloudflare.com:3478' }] },
  };
}

/** On one machine or in one house no STUN server is needed, and none should be told. */
function isLocal(hostname: string): boolean {
  return (
    /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[::1\])/.test(hostname) || hostname.endsWith('.local')
  );
}

// What real connections do too seldom to be waited for; all else about them is tested with real ones in peer-exchange.test.ts.

import { EventEmitter } from 'node:events';
import type { DataConnection, Peer } from 'peerjs';
import { expect, test } from 'vitest';
import { PeerHost } from './peer-host.ts';

class Connection extends EventEmitter {
  peer = 'other';
  open = false;
  dataChannel: object | null = {};

  /** As PeerJS opens a connection. */
  opens(): void {
    this.open = true;
    this.emit('open');
  }

  close(): void {
    this.dataChannel = null;
    if (!this.open) return;
    this.open = false;
    this.emit('close');
  }
}

test.each([
  { name: 'a connection that opens is handed on', closesFirst: false },
  { name: 'one that opens after it was closed has no channel, and is not', closesFirst: true },
])('$name', ({ closesFirst }) => {
  const peer = new EventEmitter();
  const taken: DataConnection[] = [];
  const host = new PeerHost({
    peerId: 'own',
    jobId: 'job',
    coordinator: new URL('http://localhost:1'),
    createPeer: () => Object.assign(peer, { destroy: () => undefined }) as unknown as Peer,
    onConnection: (connection) => taken.push(connection),
    random: () => 0.5,
    dialTimeoutMs: 60_000,
  });
  const connection = new Connection();
  peer.emit('connection', connection);
  if (closesFirst) connection.close();
  connection.opens();
  expect(taken).toHaveLength(closesFirst ? 0 : 1);
  expect(connection.open).toBe(!closesFirst);
  host.close();
  expect(connection.open).toBe(false);
});

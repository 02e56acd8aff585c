// A PeerJS signalling server for tests of the mesh alone: relays what peers of one key say to each other.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

interface ServerSocket {
  send(text: string): void;
  close(): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
  on(event: 'close', listener: () => void): void;
}
interface SocketServer {
  on(event: 'connection', listener: (socket: ServerSocket, request: { url: string }) => void): void;
  clients: Set<ServerSocket>;
}
const ws = createRequire(import.meta.url)('ws') as {
  WebSocketServer: new (options: { server: unknown }) => SocketServer;
};

export interface Signalling {
  url: URL;
  /** Drops every connection, as a restart does. */
  drop(): void;
  close(): void;
}

export async function startSignalling(): Promise<Signalling> {
  const http = createServer();
  const server = new ws.WebSocketServer({ server: http });
  const peers = new Map<string, ServerSocket>();
  const queued = new Map<string, string[]>(); // for peers that are not there yet
  server.on('connection', (socket, request) => {
    const id = new URL(request.url, 'http://localhost').searchParams.get('id') ?? '';
    peers.set(id, socket);
    socket.send(JSON.stringify({ type: 'OPEN' }));
    for (const text of queued.get(id) ?? []) socket.send(text);
    queued.delete(id);
    socket.on('message', (data) => {
      const { dst, ...message } = JSON.parse(data.toString()) as { dst?: string };
      if (dst === undefined) return;
      const text = JSON.stringify({ ...message, src: id });
      const peer = peers.get(dst);
      if (peer === undefined) queued.set(dst, [...(queued.get(dst) ?? []), text]);
      else peer.send(text);
    });
    socket.on('close', () => peers.get(id) === socket && peers.delete(id));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const drop = (): void => server.clients.forEach((socket) => socket.close());
  return {
    url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`),
    drop,
    close: () => (drop(), http.close()),
  };
}

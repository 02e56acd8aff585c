// A bad line between peers on one machine, without root: every remote ICE candidate is replaced by a UDP proxy of ours, which
// delays, drops and paces what passes, both ways. All that WebRTC sends goes through it, handshakes included.

import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { createRandom } from '../../../shared/random.ts';
import type { Random } from '../../../shared/random.ts';

export interface LinkQuality {
  delayMs: number; // one way
  loss: number; // part of the packets, 0..1
  megabitsPerSecond: number; // each way
  queueMs: number; // what would wait longer is dropped
}

/** One direction of a line. */
class Wire {
  private readonly quality: LinkQuality;
  private readonly random: Random;
  private freeAt = 0; // when the last packet has left

  constructor(quality: LinkQuality, random: Random) {
    this.quality = quality;
    this.random = random;
  }

  /** Runs `deliver` when a packet comes out at the other end, if it does. */
  carry(bytes: number, deliver: () => void): void {
    const { delayMs, loss, megabitsPerSecond, queueMs } = this.quality;
    const now = performance.now();
    const startsAt = Math.max(now, this.freeAt);
    if (this.random.uniform() < loss || startsAt - now > queueMs) return;
    this.freeAt = startsAt + (bytes * 8) / (megabitsPerSecond * 1000);
    setTimeout(deliver, this.freeAt + delayMs - now);
  }
}

interface Candidate {
  address: string;
  port: number;
}

/** Stands for one candidate of a remote peer, for one local peer. */
class Proxy {
  private readonly inner: Socket; // what the local peer talks to
  private readonly outer: Socket; // what the remote peer sees
  private local: RemoteInfo | null = null;

  private constructor(remote: Candidate, there: Wire, back: Wire) {
    this.inner = createSocket('udp4');
    this.outer = createSocket('udp4');
    this.inner.on('message', (packet, from) => {
      this.local = from;
      there.carry(packet.length, () => this.send(this.outer, packet, remote.port, remote.address));
    });
    this.outer.on('message', (packet) => {
      const { local } = this;
      if (local !== null) back.carry(packet.length, () => this.send(this.inner, packet, local.port, local.address));
    });
    for (const socket of [this.inner, this.outer]) {
      socket.on('error', () => undefined); // a peer that is gone: its packets go nowhere
      socket.unref();
    }
  }

  static async open(remote: Candidate, there: Wire, back: Wire): Promise<{ proxy: Proxy; port: number }> {
    const proxy = new Proxy(remote, there, back);
    await Promise.all([proxy.inner, proxy.outer].map((socket) => bound(socket, remote.address)));
    return { proxy, port: proxy.inner.address().port };
  }

  close(): void {
    this.inner.close();
    this.outer.close();
    this.closed = true;
  }

  private closed = false;

  private send(socket: Socket, packet: Buffer, port: number, address: string): void {
    if (!this.closed) socket.send(packet, port, address);
  }
}

function bound(socket: Socket, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, () => resolve());
  });
}

export interface LinkEmulator {
  /** Connections are made as before; those that are open stay as they are. */
  stop(): void;
  /** Packets that were carried so far, so that a test can tell that its traffic really came through here. */
  packets(): number;
  /** Connections that were made so far, each side counted. */
  connections(): number;
}

type Connection = new (configuration?: RTCConfiguration) => RTCPeerConnection;

const candidateLine = /^(a=)?candidate:\S+ \d+ udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) /i;

/** From now on every RTCPeerConnection of this process has bad lines to its peers. Import client/node/rtc.ts first. */
export function emulateLinks(quality: LinkQuality, seed: number): LinkEmulator {
  const scope = globalThis as unknown as { RTCPeerConnection: Connection };
  const Plain = scope.RTCPeerConnection;
  const proxies: Proxy[] = [];
  let count = 0;
  let packets = 0;
  const wire = (): Wire => {
    const made = new Wire(quality, createRandom(seed, count++));
    const carry = made.carry.bind(made);
    made.carry = (bytes, deliver) => {
      packets += 1;
      carry(bytes, deliver);
    };
    return made;
  };
  class EmulatedConnection extends Plain {
    private readonly there = wire();
    private readonly back = wire();

    override async addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
      const line = candidate?.candidate ?? '';
      const match = candidateLine.exec(line);
      if (match === null) return line === '' ? super.addIceCandidate(candidate ?? undefined) : undefined; // only UDP over IPv4
      const remote = { address: match[2]!, port: Number(match[3]) };
      const { proxy, port } = await Proxy.open(remote, this.there, this.back);
      proxies.push(proxy);
      const rewritten = line.replace(` ${remote.address} ${remote.port} `, ` ${remote.address} ${port} `);
      await super.addIceCandidate({ ...candidateInit(candidate!), candidate: rewritten });
    }

    override async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      const lines = (description.sdp ?? '').split('\r\n');
      const inside = lines.filter((line) => line.startsWith('a=candidate:'));
      const sdp = lines.filter((line) => !inside.includes(line)).join('\r\n');
      await super.setRemoteDescription({ type: description.type, sdp });
      for (const line of inside)
        await this.addIceCandidate({ candidate: line.slice(2), sdpMid: '0', sdpMLineIndex: 0 });
    }
  }
  scope.RTCPeerConnection = EmulatedConnection;
  return {
    packets: () => packets,
    connections: () => count / 2,
    stop: () => {
      scope.RTCPeerConnection = Plain;
      for (const proxy of proxies) proxy.close();
    },
  };
}

function candidateInit({ sdpMid, sdpMLineIndex }: RTCIceCandidateInit): RTCIceCandidateInit {
  return { sdpMid: sdpMid ?? '0', sdpMLineIndex: sdpMLineIndex ?? 0 };
}

// One open connection to one peer: frames out with backpressure, frames in with every byte checked. A peer that sends what
// is no frame is counted, and after `maxOffences` cut off; nothing that arrives can throw out of here.

import type { DataConnection } from 'peerjs';
import { describeError } from '../../shared/errors.ts';
import { decodeFrame, encodeFrame, payloadFrames } from '../../shared/protocol/frame.ts';
import type { ChunkFrame, Frame, RequestFrame } from '../../shared/protocol/frame.ts';
import type { LinkMeter } from './link-meter.ts';
import { Reassembler } from '../../shared/protocol/reassembler.ts';

/** Stop sending above `high` bytes in the channel's buffer, go on below `low`. */
const highBytes = 2 * 1024 * 1024;
const lowBytes = 512 * 1024;
/** `bufferedamountlow` alone is not dependable everywhere, so a blocked link also looks by itself. */
const pollMs = 4;
const maxOffences = 8;

export interface LinkEvents {
  onPayload(round: number, hash: string, payload: Uint8Array): void;
  onWant(round: number, hash: string): void;
  /** The peer says that it has this. */
  onHave(round: number, hash: string): void;
  /** The peer does not have what we asked for; `lacks` now says so. */
  onUnavailable(hash: string): void;
  /** The peer sent something that was refused. */
  onOffence(reason: string): void;
  /** Once; `banned` when we cut the peer off for its offences. */
  onClose(banned: boolean): void;
}

export class PeerLink {
  readonly peerId: string;
  bytesSent = 0;
  bytesReceived = 0;
  private readonly connection: DataConnection;
  private readonly channel: RTCDataChannel;
  private readonly events: LinkEvents;
  private readonly holds: (hash: string) => boolean;
  private readonly incoming = new Reassembler();
  private readonly requests: RequestFrame[] = [];
  /** Payloads we asked for, and whether the peer said that it has none. */
  private readonly wanted = new Map<string, 'waiting' | 'unavailable'>();
  /** Payloads on their way out, in order, each as its remaining frames. */
  private readonly outgoing = new Map<string, Iterator<Uint8Array<ArrayBuffer>>>();
  private readonly meter: LinkMeter;
  private readonly began = new Map<string, number>(); // when the first chunk of a payload came
  private offences = 0;
  private blocked = false;
  private poll: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  /**
   * @param connection open, 'raw'; this link owns it from now on
   * @param holds whether a payload is already here, so that a second copy is not put together
   */
  constructor(connection: DataConnection, events: LinkEvents, holds: (hash: string) => boolean, meter: LinkMeter) {
    this.connection = connection;
    this.channel = connection.dataChannel;
    this.peerId = connection.peer;
    this.events = events;
    this.holds = holds;
    this.meter = meter;
    this.channel.bufferedAmountLowThreshold = lowBytes;
    this.channel.addEventListener('bufferedamountlow', () => this.pump());
    connection.on('data', (data) => this.receive(data));
    connection.on('close', () => this.finish(false));
    connection.on('error', () => this.finish(false));
  }

  /** Sends a payload; nothing happens if it is already on its way. */
  push(round: number, hash: string, payload: Uint8Array): void {
    if (this.closed || this.outgoing.has(hash)) return;
    this.outgoing.set(hash, payloadFrames(round, hash, payload));
    this.pump();
  }

  /** Asks for a payload. */
  want(round: number, hash: string): void {
    this.wanted.set(hash, 'waiting');
    this.request({ kind: 'want', round, hash });
  }

  /** Tells that we have a payload, for whoever needs it. */
  announce(round: number, hash: string): void {
    this.request({ kind: 'have', round, hash });
  }

  /** Answers that we do not have a payload. */
  deny(round: number, hash: string): void {
    this.request({ kind: 'unavailable', round, hash });
  }

  /** The peer said that it does not have this, or is gone. */
  lacks(hash: string): boolean {
    return this.closed || this.wanted.get(hash) === 'unavailable';
  }

  /** Chunks of this payload that came so far: whoever waits for it sees whether it moves. */
  progress(hash: string): number {
    return this.incoming.arrived(hash);
  }

  close(): void {
    this.finish(false);
  }

  private request(frame: RequestFrame): void {
    if (this.closed) return;
    this.requests.push(frame);
    this.pump();
  }

  private pump(): void {
    if (this.closed) return;
    if (this.blocked && this.channel.bufferedAmount > lowBytes) return this.pumpLater();
    this.blocked = false;
    try {
      for (let frame = this.nextFrame(); frame !== undefined; frame = this.nextFrame()) {
        this.channel.send(frame);
        this.bytesSent += frame.length;
        this.blocked = this.channel.bufferedAmount > highBytes;
        if (this.blocked) return this.pumpLater();
      }
    } catch {
      this.finish(false); // the channel closed under us
    }
  }

  private pumpLater(): void {
    this.poll ??= setTimeout(() => {
      this.poll = undefined;
      this.pump();
    }, pollMs);
  }

  private nextFrame(): Uint8Array<ArrayBuffer> | undefined {
    const request = this.requests.shift();
    if (request !== undefined) return encodeFrame(request);
    for (const [hash, frames] of this.outgoing) {
      const next = frames.next();
      if (!next.done) return next.value;
      this.outgoing.delete(hash);
    }
    return undefined;
  }

  private receive(data: unknown): void {
    if (this.closed) return;
    try {
      const bytes = asBytes(data);
      this.bytesReceived += bytes.length;
      this.handle(decodeFrame(bytes));
    } catch (error) {
      this.refuse(describeError(error));
    }
  }

  private handle(frame: Frame): void {
    if (frame.kind === 'chunk') this.assemble(frame);
    else if (frame.kind === 'want') this.events.onWant(frame.round, frame.hash);
    else if (frame.kind === 'have') this.hearOffer(frame);
    else if (this.wanted.has(frame.hash)) {
      this.wanted.set(frame.hash, 'unavailable');
      this.events.onUnavailable(frame.hash);
    }
  }

  private hearOffer({ round, hash }: RequestFrame): void {
    if (this.wanted.get(hash) === 'unavailable') this.wanted.delete(hash);
    this.events.onHave(round, hash);
  }

  private assemble(chunk: ChunkFrame): void {
    if (this.holds(chunk.hash)) return this.forget(chunk.hash);
    if (!this.began.has(chunk.hash)) this.began.set(chunk.hash, performance.now());
    const payload = this.incoming.accept(chunk);
    if (payload === null) return;
    this.meter.note(payload.length, performance.now() - this.began.get(chunk.hash)!);
    this.began.delete(chunk.hash);
    this.wanted.delete(chunk.hash);
    this.events.onPayload(chunk.round, chunk.hash, payload);
  }

  private forget(hash: string): void {
    this.began.delete(hash);
    this.incoming.drop(hash);
  }

  private refuse(reason: string): void {
    this.offences += 1;
    this.events.onOffence(reason);
    if (this.offences >= maxOffences) this.finish(true);
  }

  private finish(banned: boolean): void {
    if (this.closed) return;
    this.closed = true;
    this.outgoing.clear();
    this.connection.close();
    this.events.onClose(banned);
  }
}

function asBytes(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('a message that is not binary');
}

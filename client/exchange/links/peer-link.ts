// One peer, over one connection or several: frames out with backpressure, frames in with every byte checked. A peer that sends what
// is no frame is counted, and after `maxOffences` cut off; nothing that arrives can throw out of here.

import type { DataConnection } from 'peerjs';
import { describeError } from '../../../shared/errors.ts';
import { decodeFrame, encodeFrame, payloadFrames } from '../../../shared/protocol/frame.ts';
import type { ChunkFrame, Frame, ListedFrame, RequestFrame } from '../../../shared/protocol/frame.ts';
import { Lanes } from './lanes.ts';
import { isSlow } from './link-meter.ts';
import type { LinkMeter } from './link-meter.ts';
import { Reassembler } from '../../../shared/protocol/reassembler.ts';

const maxOffences = 8;

export interface LinkEvents {
  onPayload(round: number, hash: string, payload: Uint8Array): void;
  onWant(round: number, hash: string): void;
  /** The peer says that it has this. */
  onHave(round: number, hash: string): void;
  /** The peer holds the agreed state that we asked for, in the pieces of this list. */
  onListed(round: number, stateHash: string, list: string): void;
  /** The peer does not have what we asked for; `lacks` now says so. */
  onUnavailable(hash: string): void;
  /** The peer sent something that was refused. */
  onOffence(reason: string): void;
  /** A payload came slower than links should carry: more connections may help, where loss limits one. */
  onSlow(): void;
  /** Once; `banned` when we cut the peer off for its offences. */
  onClose(banned: boolean): void;
}

export class PeerLink {
  readonly peerId: string;
  bytesReceived = 0;
  private readonly lanes: Lanes;
  private readonly events: LinkEvents;
  private readonly holds: (hash: string) => boolean;
  private readonly incoming = new Reassembler();
  private readonly requests: (RequestFrame | ListedFrame)[] = [];
  /** Payloads we asked for, and whether the peer said that it has none. */
  private readonly wanted = new Map<string, 'waiting' | 'unavailable'>();
  /** Payloads on their way out, in order, each as its remaining frames, and who waits for the last one to leave. */
  private readonly outgoing = new Map<string, { frames: Iterator<Uint8Array<ArrayBuffer>>; left: () => void }>();
  private readonly meter: LinkMeter;
  private readonly began = new Map<string, number>(); // when the first chunk of a payload came
  private offences = 0;
  private closed = false;

  /**
   * @param connection open, 'raw'; this link owns it from now on
   * @param holds whether a payload is already here, so that a second copy is not put together
   */
  constructor(connection: DataConnection, events: LinkEvents, holds: (hash: string) => boolean, meter: LinkMeter) {
    this.peerId = connection.peer;
    this.events = events;
    this.holds = holds;
    this.meter = meter;
    this.lanes = new Lanes({
      nextFrame: () => this.nextFrame(),
      onData: (data) => this.receive(data),
      onLost: () => this.finish(false),
    });
    this.lanes.add(connection);
  }

  /** One more connection to the same peer. The link lives as long as the first one. */
  addLane(connection: DataConnection): void {
    this.lanes.add(connection);
  }

  get laneCount(): number {
    return this.lanes.count;
  }

  get bytesSent(): number {
    return this.lanes.bytesSent;
  }

  /** Sends a payload; nothing happens if it is already on its way. @param left its last frame left, or the link closed */
  push(round: number, hash: string, payload: Uint8Array, left = (): void => {}): void {
    if (this.closed || this.outgoing.has(hash)) return left();
    this.outgoing.set(hash, { frames: payloadFrames(round, hash, payload), left });
    this.lanes.pump();
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

  /** Answers that we hold an agreed state, in the pieces of this list. */
  list(round: number, stateHash: string, list: string): void {
    this.request({ kind: 'listed', round, hash: stateHash, list });
  }

  private request(frame: RequestFrame | ListedFrame): void {
    if (this.closed) return;
    this.requests.push(frame);
    this.lanes.pump();
  }

  private nextFrame(): Uint8Array<ArrayBuffer> | undefined {
    const request = this.requests.shift();
    if (request !== undefined) return encodeFrame(request);
    for (const [hash, { frames, left }] of this.outgoing) {
      const next = frames.next();
      if (!next.done) return next.value;
      this.outgoing.delete(hash);
      left();
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
    else if (frame.kind === 'listed') this.hearList(frame);
    else this.giveUpOn(frame.hash);
  }

  private hearList({ round, hash, list }: ListedFrame): void {
    if (this.wanted.delete(hash)) this.events.onListed(round, hash, list);
  }

  /** The peer does not have it, or sent something else by its name: another one is to be asked. */
  private giveUpOn(hash: string): void {
    if (!this.wanted.has(hash)) return;
    this.wanted.set(hash, 'unavailable');
    this.events.onUnavailable(hash);
  }

  private hearOffer({ round, hash }: RequestFrame): void {
    if (this.wanted.get(hash) === 'unavailable') this.wanted.delete(hash);
    this.events.onHave(round, hash);
  }

  private assemble(chunk: ChunkFrame): void {
    if (this.holds(chunk.hash)) return this.forget(chunk.hash);
    if (!this.began.has(chunk.hash)) this.began.set(chunk.hash, performance.now());
    const payload = this.accept(chunk);
    if (payload === null) return;
    const ms = performance.now() - this.began.get(chunk.hash)!;
    this.meter.note(payload.length, ms);
    if (isSlow(payload.length, ms)) this.events.onSlow();
    this.began.delete(chunk.hash);
    this.wanted.delete(chunk.hash);
    this.events.onPayload(chunk.round, chunk.hash, payload);
  }

  private accept(chunk: ChunkFrame): Uint8Array | null {
    try {
      return this.incoming.accept(chunk);
    } catch (error) {
      this.giveUpOn(chunk.hash);
      throw error;
    }
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
    for (const { left } of this.outgoing.values()) left();
    this.outgoing.clear();
    this.lanes.close();
    this.events.onClose(banned);
  }
}

function asBytes(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('a message that is not binary');
}

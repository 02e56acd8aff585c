// The connections of one link, at first a single one: frames go out on them in turns, as fast as their buffers drain. The link
// lives as long as its first connection.

import type { DataConnection } from 'peerjs';

/** Stop sending above `high` bytes in the channel's buffer, go on below `low`. */
const highBytes = 2 * 1024 * 1024;
const lowBytes = 512 * 1024;
/** `bufferedamountlow` alone is not dependable everywhere, so a blocked link also looks by itself. */
const pollMs = 4;

export interface LanesEvents {
  /** The next frame that is to go out. */
  nextFrame(): Uint8Array<ArrayBuffer> | undefined;
  onData(data: unknown): void;
  /** The first connection closed, or one closed under a frame. */
  onLost(): void;
}

interface Lane {
  readonly connection: DataConnection;
  readonly channel: RTCDataChannel;
  isBlocked: boolean;
}

export class Lanes {
  bytesSent = 0;
  private readonly events: LanesEvents;
  private readonly lanes: Lane[] = [];
  private nextLane = 0; // frames take turns: the network stack hides how full it is
  private poll: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(events: LanesEvents) {
    this.events = events;
  }

  get count(): number {
    return this.lanes.length;
  }

  /** @param connection open, 'raw'; it is ours from now on */
  add(connection: DataConnection): void {
    if (this.closed) return connection.close();
    const channel = connection.dataChannel;
    const lane: Lane = { connection, channel, isBlocked: false };
    this.lanes.push(lane);
    channel.bufferedAmountLowThreshold = lowBytes;
    channel.addEventListener('bufferedamountlow', () => this.pump());
    connection.on('data', (data) => this.events.onData(data));
    connection.on('close', () => this.lose(lane));
    connection.on('error', () => this.lose(lane));
  }

  /** Sends what there is to send, while there is room. */
  pump(): void {
    if (this.closed) return;
    for (const lane of this.lanes) if (lane.channel.bufferedAmount <= lowBytes) lane.isBlocked = false;
    for (let lane = this.freeLane(); lane !== undefined; lane = this.freeLane()) {
      const frame = this.events.nextFrame();
      if (frame === undefined) return;
      if (!this.sendOn(lane, frame)) return this.events.onLost(); // the channel closed under us
    }
    this.pumpLater();
  }

  close(): void {
    this.closed = true;
    for (const { connection } of this.lanes.splice(0)) connection.close();
  }

  private sendOn(lane: Lane, frame: Uint8Array<ArrayBuffer>): boolean {
    try {
      lane.channel.send(frame);
    } catch {
      return false;
    }
    this.bytesSent += frame.length;
    lane.isBlocked = lane.channel.bufferedAmount > highBytes;
    return true;
  }

  private freeLane(): Lane | undefined {
    for (let tried = 0; tried < this.lanes.length; tried++) {
      const lane = this.lanes[this.nextLane++ % this.lanes.length]!;
      if (!lane.isBlocked) return lane;
    }
    return undefined;
  }

  /** What was on its way over a lane that closed is asked for again by whoever misses it. */
  private lose(lane: Lane): void {
    const index = this.lanes.indexOf(lane);
    if (index === 0) return this.events.onLost();
    if (index > 0) this.lanes.splice(index, 1);
  }

  private pumpLater(): void {
    this.poll ??= setTimeout(() => {
      this.poll = undefined;
      this.pump();
    }, pollMs);
  }
}

// How many bytes a second leave this worker: measured over what it sends anyway, from the first byte of a burst until its
// links have drained. Short bursts say more about delay than about bandwidth and are not counted.

const minBurstBytes = 64 * 1024;
const everyMs = 20;
/** A burst that drains this slowly is cut off and counted as far as it got. */
const maxBurstMs = 30_000;

export interface Outlet {
  readonly bytesSent: number; // handed to the network stack
  readonly pendingBytes: number; // of these, still waiting there
}

export class Uplink {
  /** Half of what is known, half of what was measured last; 0 until something was. */
  bytesPerSecond = 0;
  private readonly outlet: () => Outlet;
  private readonly now: () => number;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** @param now milliseconds */
  constructor(outlet: () => Outlet, now: () => number = () => performance.now()) {
    this.outlet = outlet;
    this.now = now;
  }

  /** A burst begins, unless one is being measured. Call before the first byte is handed over. */
  begin(): void {
    if (this.timer !== undefined) return;
    const [startedAt, startBytes] = [this.now(), this.outlet().bytesSent];
    this.timer = setInterval(() => {
      const { bytesSent, pendingBytes } = this.outlet();
      const elapsedMs = this.now() - startedAt;
      if (pendingBytes > 0 && elapsedMs < maxBurstMs) return;
      this.close();
      this.note(bytesSent - startBytes - pendingBytes, elapsedMs);
    }, everyMs);
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private note(bytes: number, elapsedMs: number): void {
    if (bytes < minBurstBytes || elapsedMs <= 0) return;
    const measured = (1000 * bytes) / elapsedMs;
    this.bytesPerSecond = this.bytesPerSecond === 0 ? measured : (this.bytesPerSecond + measured) / 2;
  }
}

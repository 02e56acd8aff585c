// How fast payloads come in over our links, from their first chunk to their last. A sender's buffers tell nothing: the network
// stack takes megabytes at once. Small payloads say more about delay than about bandwidth and are not counted.

const minBytes = 128 * 1024;
/** With 50 ms there and back and one packet in a hundred lost, one connection carries a quarter of a MiB a second. */
const slowBytesPerSecond = 1024 * 1024;

/** Whether a payload that took so long came slower than a link should carry. */
export function isSlow(bytes: number, ms: number): boolean {
  return bytes >= minBytes && 1000 * bytes < slowBytesPerSecond * ms;
}

export class LinkMeter {
  /** Of one link: half of what is known, half of what was measured last; 0 until something was. */
  bytesPerSecond = 0;

  /** A payload arrived whole. @param ms from its first chunk to its last */
  note(bytes: number, ms: number): void {
    if (bytes < minBytes || ms <= 0) return;
    const measured = (1000 * bytes) / ms;
    this.bytesPerSecond = this.bytesPerSecond === 0 ? measured : (this.bytesPerSecond + measured) / 2;
  }
}

// Bits packed into bytes, the first bit in the lowest place. The reader never reads past its end.

import { LoomError } from '../../../../shared/errors.ts';

export class BitWriter {
  readonly #bytes: Uint8Array;
  #bit = 0;

  /** @param bytes zeros, as many as the longest stream needs */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whole bytes used so far. */
  get byteLength(): number {
    return Math.ceil(this.#bit / 8);
  }

  /** @param count 0..24 lowest bits of `value` */
  write(value: number, count: number): void {
    let bits = value & ((1 << count) - 1);
    let left = count;
    while (left > 0) {
      const place = this.#bit & 7;
      this.#bytes[this.#bit >>> 3]! |= bits << place;
      const taken = Math.min(8 - place, left);
      bits >>>= taken;
      left -= taken;
      this.#bit += taken;
    }
  }

  /** Golomb-Rice: value >> parameter ones, a zero, then the `parameter` lowest bits. */
  writeRice(value: number, parameter: number): void {
    for (let ones = value >>> parameter; ones > 0; ones--) this.write(1, 1);
    this.write(0, 1);
    this.write(value, parameter);
  }
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws LoomError `invalid_frame` when fewer than `count` bits (0..24) are left */
  read(count: number): number {
    if (this.#bit + count > 8 * this.#bytes.length) throw new LoomError('invalid_frame', 'a payload ends too early');
    let value = 0;
    let got = 0;
    while (got < count) {
      const place = this.#bit & 7;
      const taken = Math.min(8 - place, count - got);
      value |= ((this.#bytes[this.#bit >>> 3]! >>> place) & ((1 << taken) - 1)) << got;
      got += taken;
      this.#bit += taken;
    }
    return value;
  }

  /** @throws LoomError `invalid_frame` for a value above `max` */
  readRice(parameter: number, max: number): number {
    let high = 0;
    while (this.read(1) === 1) if (++high << parameter > max) break;
    const value = (high << parameter) | this.read(parameter);
    if (value > max) throw new LoomError('invalid_frame', `a gap of ${value} in a payload`, { allowed: `0 to ${max}` });
    return value;
  }

  /** @throws LoomError `invalid_frame` unless all that is left is the zeros that fill the last byte */
  finish(): void {
    const left = 8 * this.#bytes.length - this.#bit;
    if (left >= 8 || this.read(left) !== 0) throw new LoomError('invalid_frame', 'a payload goes on after its end');
  }
}

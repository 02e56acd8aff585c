// The seam between the header that all payloads share (codec.ts) and what one way of compressing writes behind it.

/** What one codec writes behind the header. */
export interface CodecBody {
  readonly id: number;
  /** Bytes of the shortest and the longest body for this many elements. */
  sizes(elements: number): { min: number; max: number };
  /** @param body zeros, of the longest size @returns bytes written */
  write(difference: Float32Array, body: DataView): number;
  /**
   * @param body of a length within `sizes`
   * @param difference zeros
   * @throws LoomError `invalid_frame` for a body that `write` never produces
   */
  read(body: DataView, difference: Float32Array): void;
}

/** A body in which every element has a place of its own: planes, one after the other, each with so many bytes per elements. */
export interface DenseBody extends CodecBody {
  readonly planes: readonly { bytes: number; perElements: number }[];
}

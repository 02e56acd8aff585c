// How compression kernels lay out what is read back: one record of whole u32 words a block, all records of one length.

export const topkBlockElements = 4096;
export const byteBlockElements = 256;
/** Words of a block's record before its elements: lower and upper magnitude, the largest of the block (float32 patterns). */
export const recordHeader = 3;

export interface LargestSettings {
  readonly density: number; // part of a block's elements that is sent
  readonly bits: 1 | 2; // of a sent value
}

export interface LargestShape {
  readonly blocks: number;
  readonly stride: number; // words of a record
  /** All elements are sent: the record has their codes, in order. Else of each sent element index | code << 16. */
  readonly isDense: boolean;
  sentOf(length: number): number;
}

/** Elements sent of a block of this length: at least one. */
export function sentOf(length: number, density: number): number {
  return Math.max(1, Math.min(length, Math.round(length * density)));
}

export function largestShape(elements: number, { density, bits }: LargestSettings): LargestShape {
  const sent = sentOf(topkBlockElements, density);
  const isDense = sent === topkBlockElements;
  return {
    blocks: Math.ceil(elements / topkBlockElements),
    stride: recordHeader + (isDense ? (topkBlockElements / 32) * bits : sent),
    isDense,
    sentOf: (length) => sentOf(length, density),
  };
}

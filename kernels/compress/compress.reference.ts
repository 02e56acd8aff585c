// The records that compression kernels leave, in plain TypeScript, with the encoder's own selection and quantising.

import type { Attributes, View } from '../plan/op.ts';
import { codeOf, rangeOf, valueOf } from './quantize.ts';
import { byteBlockElements, largestShape, topkBlockElements, recordHeader } from './records.ts';
import type { LargestSettings } from './records.ts';
import { largestMagnitudes } from './select.ts';

/** [trained, start] -> [wanted] */
export function differenceReference([trained, start]: readonly View[], [wanted]: readonly View[]): void {
  for (let i = 0; i < wanted!.length; i++) wanted![i] = trained![i]! - start![i]!;
}

/** [trained, start, settings, rest] changes [residual, wanted] */
export function correctedReference(inputs: readonly View[], outputs: readonly View[]): void {
  const [trained, start, settings, rest] = inputs as [View, View, View, View];
  const [residual, wanted] = outputs as [View, View];
  const [decay, settled] = [settings[0]!, settings[1]!];
  for (let i = 0; i < wanted.length; i++) {
    const held = settled === 1 ? rest[i]! : settled === 2 ? wanted[i]! : settled === 3 ? 0 : residual[i]!;
    residual[i] = held;
    wanted[i] = trained[i]! - start[i]! + decay * held;
  }
}

/** [x] -> [records, unsaid] */
export function largestReference([x]: readonly View[], outputs: readonly View[], attributes: Attributes): void {
  const settings = attributes as unknown as LargestSettings;
  const [records, unsaid] = outputs as [Uint32Array, Float32Array];
  const { stride, isDense, sentOf } = largestShape(x!.length, settings);
  const { bits } = settings;
  records.fill(0);
  for (let start = 0, at = 0; start < x!.length; start += topkBlockElements, at += stride) {
    const block = Float32Array.from(x!.subarray(start, start + topkBlockElements));
    const [record, rest] = [records.subarray(at, at + stride), unsaid.subarray(start, start + block.length)];
    const codes = sentReference(
      block,
      isDense ? record.subarray(0, recordHeader) : record,
      rest,
      sentOf(block.length),
      bits,
    );
    if (isDense)
      for (const [i, code] of codes) record[recordHeader + Math.floor((i * bits) / 32)]! |= code << ((i * bits) % 32);
  }
}

/** The record of a block, and what it does not say; returns the sent indices with their codes. */
export function sentReference(
  block: Float32Array,
  record: Uint32Array,
  unsaid: View,
  sent: number,
  bits: LargestSettings['bits'],
): [index: number, code: number][] {
  const indices = largestMagnitudes(block, sent);
  const range = rangeOf(
    Float32Array.from(indices, (i) => block[i]!),
    bits,
  );
  const floats = new Float32Array(record.buffer, record.byteOffset, recordHeader);
  floats.set([range.low, range.high, block.reduce((most, value) => Math.max(most, Math.abs(value)), 0)]);
  unsaid.set(block);
  return Array.from(indices, (i, place) => {
    const code = codeOf(block[i]!, range, bits);
    unsaid[i] = block[i]! - valueOf(code, range, bits);
    if (recordHeader + place < record.length) record[recordHeader + place] = i | (code << 16);
    return [i, code];
  });
}

/** [x] -> [records] */
export function bytesReference([x]: readonly View[], [records]: readonly View[]): void {
  const floats = new Float32Array(records!.buffer, records!.byteOffset, records!.length);
  records!.fill(0);
  const stride = 1 + byteBlockElements / 4;
  for (let start = 0, at = 0; start < x!.length; start += byteBlockElements, at += stride) {
    const block = Float32Array.from(x!.subarray(start, start + byteBlockElements));
    const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    floats[at] = largest;
    for (let i = 0; i < block.length; i++) {
      const byte =
        largest === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(block[i]! / Math.fround(largest / 127))));
      records![at + 1 + Math.floor(i / 4)]! |= (byte & 0xff) << (8 * (i % 4));
    }
  }
}

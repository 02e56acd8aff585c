// Every device against the encoder's own selection and quantising. Selection, signs and largest magnitudes must be equal;
// means may differ in their last bit, and with them a value that lies on the border of two codes.

import { expect, test, vi } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { openCpu } from '../device/cpu.ts';
import type { Device } from '../device/device.ts';
import { checkKernel, relativeDistance } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { bytesKernel, correctedKernel, differenceKernel, largestKernel } from './compress.ts';
import { byteBlockElements, largestShape, recordHeader, topkBlockElements } from './records.ts';
import type { LargestSettings } from './records.ts';

vi.setConfig({ testTimeout: 300_000 });

const infinity = 0x7f80_0000;

function noise(elements: number, seed = 1): Float32Array<ArrayBuffer> {
  const random = createRandom(seed);
  return Float32Array.from({ length: elements }, () => 0.01 * random.normal());
}

const inputs: [string, Float32Array<ArrayBuffer>][] = [
  ['one element', noise(1)],
  ['63 elements', noise(63)],
  ['a block', noise(4096)],
  ['a block and one', noise(4097)],
  ['three blocks and a part', noise(3 * 4096 + 1000)],
  ['many ties', noise(9000).map((value) => Math.sign(value) * Math.ceil(100 * Math.abs(value)))],
  ['zeros', new Float32Array(5000)],
  ['nearly only zeros', new Float32Array(5000).fill(2, 4000, 4003).fill(-1, 17, 18)],
  ['tiny and huge', noise(4096).map((value, i) => value * 10 ** ((i % 61) - 30))],
];
const settings: LargestSettings[] = [
  { density: 1 / 64, bits: 1 },
  { density: 1 / 16, bits: 2 },
  { density: 1, bits: 1 },
  { density: 1, bits: 2 },
];

interface Found {
  readonly records: Uint32Array;
  readonly unsaid: Float32Array;
}

async function largestOn(device: Device, x: Float32Array, attributes: LargestSettings): Promise<Found> {
  const builder = new PlanBuilder();
  const [records, unsaid] = builder.op(largestKernel, [builder.input('x', [x.length])], { ...attributes }, ['r', 'u']);
  builder.readable(records);
  builder.readable(unsaid!);
  const program = await device.compile(builder.finish());
  program.write('x', x);
  await program.run();
  const found = {
    records: (await program.read('r')) as Uint32Array,
    unsaid: (await program.read('u')) as Float32Array,
  };
  program.destroy();
  return found;
}

/** Blocks of a record as float32 magnitudes and whole words. */
function blocksOf({ records }: Found, elements: number, used: LargestSettings) {
  const { blocks, stride, isDense, sentOf } = largestShape(elements, used);
  return Array.from({ length: blocks }, (_, index) => {
    const record = records.slice(index * stride, (index + 1) * stride);
    const length = Math.min(topkBlockElements, elements - index * topkBlockElements);
    const words = isDense ? Math.ceil(length / 32) * used.bits : sentOf(length);
    const [low, high] = new Float32Array(record.buffer, 0, 2);
    return {
      low: low!,
      high: high!,
      largest: record[2]!,
      words: Array.from(record.subarray(recordHeader, recordHeader + words)),
    };
  });
}

test.each(settings)('largest elements %j: every device finds what the encoder finds', async (used) => {
  for (const [name, x] of inputs) {
    const reference = await largestOn(openCpu(), x, used);
    const expected = blocksOf(reference, x.length, used);
    for (const device of await testDevices()) {
      const where = `${name} on ${device.info.adapter}`;
      const found = await largestOn(device, x, used);
      for (const [index, block] of blocksOf(found, x.length, used).entries()) {
        const { low, high, largest, words } = expected[index]!;
        expect(block.largest, where).toBe(largest);
        expect(Math.abs(block.low - low), where).toBeLessThanOrEqual(low / 100); // one bfloat16 step
        expect(Math.abs(block.high - high), where).toBeLessThanOrEqual(high / 100);
        const differing = block.words.filter((word, i) => maskOf(word, used) !== maskOf(words[i]!, used));
        expect(differing, where).toEqual([]);
      }
      expect(relativeDistance(found.unsaid, reference.unsaid), where).toBeLessThan(0.01);
    }
  }
});

/** What must be equal: in one bit everything, in two the indices and signs. */
function maskOf(word: number, { density, bits }: LargestSettings): number {
  if (bits === 1) return word;
  return density === 1 ? word & 0x5555_5555 : word & 0x1_ffff;
}

test('bytes: the largest magnitude is exact, a byte errs by one at most, and hardly ever', async () => {
  for (const [name, x] of inputs) {
    const read = async (device: Device): Promise<Uint32Array> => {
      const builder = new PlanBuilder();
      builder.readable(builder.op(bytesKernel, [builder.input('x', [x.length])], {}, ['r'])[0]);
      const program = await device.compile(builder.finish());
      program.write('x', x);
      await program.run();
      return (await program.read('r')) as Uint32Array;
    };
    const expected = await read(openCpu());
    for (const device of await testDevices()) {
      const found = await read(device);
      const stride = 1 + byteBlockElements / 4;
      const largest = (records: Uint32Array): Uint32Array => records.filter((_, i) => i % stride === 0);
      expect(largest(found), name).toEqual(largest(expected));
      const bytes = (records: Uint32Array): Int8Array =>
        new Int8Array(records.filter((_, i) => i % stride !== 0).buffer);
      const [ours, theirs] = [bytes(found), bytes(expected)];
      const errors = ours.map((byte, i) => Math.abs(byte - theirs[i]!));
      expect(Math.max(...errors), name).toBeLessThanOrEqual(1);
      const most = name === 'many ties' ? x.length : x.length / 500; // there, many lie half-way between two bytes
      expect(errors.filter((error) => error > 0).length, name).toBeLessThanOrEqual(most);
    }
  }
});

test.each([NaN, Infinity, -Infinity])('%j shows in the record of its block, and only there', async (bad) => {
  const x = noise(3 * 4096);
  x[5000] = bad;
  for (const device of await testDevices()) {
    const found = await largestOn(device, x, { density: 1 / 64, bits: 1 });
    const isBad = blocksOf(found, x.length, { density: 1 / 64, bits: 1 }).map(({ largest }) => largest >= infinity);
    expect(isBad, device.info.adapter).toEqual([false, true, false]);
  }
});

test('a binding smaller than the vector: parts are compressed as the whole', async () => {
  const x = noise(80 * 4096 + 321);
  const used = { density: 1 / 64, bits: 1 as const };
  const expected = blocksOf(await largestOn(openCpu(), x, used), x.length, used);
  for (const device of await testDevices({ maxBindingBytes: 64 * 4096 * 4 })) {
    const found = blocksOf(await largestOn(device, x, used), x.length, used);
    expect(found.map(({ words }) => words)).toEqual(expected.map(({ words }) => words));
  }
});

test('the difference', () => checkKernel({ kernel: differenceKernel, inputs: [{ shape: [777] }, { shape: [777] }] }));

test.each([0, 1, 2, 3])('the corrected difference, settlement %i', (settled) =>
  checkKernel({
    kernel: correctedKernel,
    inputs: [{ shape: [777] }, { shape: [777] }, { shape: [2], data: [0.9, settled] }, { shape: [777] }],
    before: [{ shape: [777] }, { shape: [777] }],
  }),
);

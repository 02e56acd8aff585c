// Every device against the encoder's own transform and choice.

import { expect, test, vi } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { openCpu } from '../device/cpu.ts';
import type { Device } from '../device/device.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { checkKernel, relativeDistance } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { basisOf } from './chunks.ts';
import { chunkRecords, correctedChangeKernel, dctKernel, descentKernel, listCoefficients } from './dct.ts';
import type { LargestSettings } from './records.ts';

vi.setConfig({ testTimeout: 300_000 });

test.each([
  { first: 0, elements: 64 * 96, n: 96, a: 64, b: 48 },
  { first: 128, elements: 6 * 35, n: 35, a: 3, b: 5 },
  { first: 64, elements: 50, n: 50, a: 1, b: 50 },
])('the coefficients of a tensor among others, %j', (attributes) => {
  const { first, elements, a, b } = attributes;
  const shape = [first + elements + 32];
  const bases = [a, b].map((side) => ({ shape: [side, side], data: basisOf(side) }));
  return checkKernel({ kernel: dctKernel, inputs: [{ shape }, ...bases], before: [{ shape }], attributes });
});

test.each([0, 0.5, 1e6])('the descent, clipped to %d', (maxNorm) => {
  const inputs = [{ shape: [777] }, { shape: [1], data: [4] }];
  return checkKernel({ kernel: descentKernel, inputs, attributes: { maxNorm } });
});

test.each([0, 1, 2, 3])('the corrected change, settlement %i', (settled) =>
  checkKernel({
    kernel: correctedChangeKernel,
    inputs: [{ shape: [777] }, { shape: [2], data: [0.9, settled] }, { shape: [777] }],
    before: [{ shape: [777] }, { shape: [777] }],
  }),
);

const shapes = [[128, 64], [50], [64, 40], [256]];

/** Records and rests of a change of all tensors. */
async function recordsOn(device: Device, change: Float32Array, settings: LargestSettings) {
  const builder = new PlanBuilder();
  for (const [i, shape] of shapes.entries()) builder.parameter(`p${i}`, shape);
  const input = builder.input('change', builder.parameters().shape);
  listCoefficients(builder, input, settings, null);
  const layout = builder.layout();
  const program = await device.compile(builder.finish());
  program.write('change', change.subarray(0, program.plan.parameterCount));
  await program.run();
  const records = (await program.read('compress.records')) as Uint32Array;
  const rest = (await program.read('compress.rest')) as Float32Array;
  program.destroy();
  return { layout, records, rest };
}

/** Of each chunk, in order: its sent indices and signs. */
function chosen({ layout, records }: Awaited<ReturnType<typeof recordsOn>>, settings: LargestSettings): number[][] {
  return chunkRecords(layout, settings).flatMap(({ chunks, first, stride, sent }) =>
    Array.from({ length: chunks }, (_, chunk) => {
      const at = first + chunk * stride + 3;
      return Array.from(records.subarray(at, at + sent), (word) => word & 0x1_ffff);
    }),
  );
}

test.each<LargestSettings>([
  { density: 1 / 64, bits: 1 },
  { density: 1 / 16, bits: 2 },
  { density: 1, bits: 1 },
])('of each chunk the largest coefficients, %j', async (settings) => {
  const random = createRandom(7);
  const change = Float32Array.from({ length: 20_000 }, () => 0.01 * random.normal());
  const reference = await recordsOn(openCpu(), change, settings);
  for (const device of await testDevices()) {
    const found = await recordsOn(device, change, settings);
    expect(relativeDistance(found.rest, reference.rest), device.info.adapter).toBeLessThan(0.02);
    const [ours, theirs] = [chosen(found, settings).flat(), chosen(reference, settings).flat()];
    const differing = ours.filter((word, i) => word !== theirs[i]).length; // sums of float32 may turn two that are nearly equal
    expect(differing, device.info.adapter).toBeLessThanOrEqual(ours.length / 50);
  }
});

test('a change that is not finite shows in the record of its chunk', async () => {
  const change = new Float32Array(20_000).fill(1);
  change[70 * 64 + 3] = NaN; // in the second chunk of the first tensor
  for (const device of await testDevices()) {
    const { records, layout } = await recordsOn(device, change, { density: 1 / 64, bits: 1 });
    const { first, stride } = chunkRecords(layout, { density: 1 / 64, bits: 1 })[0]!;
    const largest = [0, 1].map((chunk) => records[first + chunk * stride + 2]!);
    expect(
      largest.map((bits) => bits >= 0x7f80_0000),
      device.info.adapter,
    ).toEqual([false, true]);
  }
});

// From a device's records to a payload: byte for byte what the encoder makes, wherever sums are exact in float32.

import { expect, test, vi } from 'vitest';
import { bytesKernel, largestKernel } from '../../../kernels/compress/compress.ts';
import type { Device } from '../../../kernels/device/device.ts';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Kernel } from '../../../kernels/plan/op.ts';
import { testDevices } from '../../../kernels/testing/devices.ts';
import { createRandom } from '../../../shared/random.ts';
import { codecFor } from './codec.ts';
import { bytesPayload, topkPayload } from './recorded.ts';

vi.setConfig({ testTimeout: 300_000 });

async function recordsOf(device: Device, kernel: Kernel, x: Float32Array, attributes = {}): Promise<Uint32Array> {
  const builder = new PlanBuilder();
  builder.readable(builder.op(kernel, [builder.input('x', [x.length])], attributes, ['records', 'unsaid'])[0]);
  const program = await device.compile(builder.finish());
  program.write('x', x);
  await program.run();
  const records = (await program.read('records')) as Uint32Array;
  program.destroy();
  return records;
}

/** Small whole numbers: any order of adding them gives the same sum; many are equal. */
function whole(elements: number): Float32Array<ArrayBuffer> {
  const random = createRandom(elements);
  return Float32Array.from({ length: elements }, () => random.below(255) - 127);
}

const differences = [whole(1), whole(4096), whole(4097), whole(2 * 4096 + 333), new Float32Array(5000)];

test.each([
  { density: 1 / 64, bits: 1 },
  { density: 1 / 16, bits: 2 },
  { density: 1, bits: 1 },
  { density: 1, bits: 2 },
] as const)('top-k %j: the same bytes on every device', async (settings) => {
  const codec = codecFor({ kind: 'topk', ...settings }, []);
  for (const device of await testDevices()) {
    for (const x of differences) {
      const records = await recordsOf(device, largestKernel, x, settings);
      const where = `${x.length} elements on ${device.info.adapter}`;
      expect(topkPayload(settings, x.length, records), where).toEqual(codec.encode(x));
    }
  }
});

test('int8: the same bytes on every device', async () => {
  const codec = codecFor({ kind: 'int8' }, []);
  for (const device of await testDevices()) {
    for (const x of differences) {
      const one = x.with(0, 127); // and with 127 as the largest of each block the scale is 1
      for (let i = 0; i < one.length; i += 256) one[i] = 127;
      const payload = bytesPayload(one.length, await recordsOf(device, bytesKernel, one));
      expect(payload, `${x.length} elements on ${device.info.adapter}`).toEqual(codec.encode(one));
    }
  }
});

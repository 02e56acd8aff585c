import { expect, test } from 'vitest';
import { PlanBuilder } from '../plan/builder.ts';
import { checkKernel, expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { crossEntropy, crossEntropyKernel, noTarget } from './cross-entropy.ts';

test.each([
  [1, 1],
  [7, 5],
  [67, 256],
  [3, 1031],
])('cross-entropy of [%i, %i]', async (rows, vocabulary) => {
  await checkKernel({
    kernel: crossEntropyKernel,
    inputs: [{ shape: [rows, vocabulary] }, { shape: [rows], dtype: 'u32', below: vocabulary }],
    gradientOutputs: [0],
  });
});

test('rows without a target count neither in the loss nor in the gradient', async () => {
  await checkKernel({
    kernel: crossEntropyKernel,
    inputs: [{ shape: [4, 3] }, { shape: [4], dtype: 'u32', data: [2, noTarget, 0, 3] }],
    gradientOutputs: [0],
  });
});

test('uniform logits cost log V; huge ones and no rows at all stay finite', async () => {
  for (const device of await testDevices()) {
    const builder = new PlanBuilder();
    const logits = builder.input('logits', [2, 4]);
    const targets = builder.input('targets', [2], 'u32');
    builder.readable(crossEntropy(builder, logits, targets));
    const program = await device.compile(builder.finish());
    const loss = async (values: number[], ids: number[]): Promise<number> => {
      program.write('logits', new Float32Array(values));
      program.write('targets', new Uint32Array(ids));
      await program.run();
      return (await program.read('loss'))[0]!;
    };
    expectClose([await loss([5, 5, 5, 5, -2, -2, -2, -2], [0, 3])], [Math.log(4)], 1e-6, device.info.adapter);
    expectClose([await loss([1e30, 0, 0, 0, 900, 1000, 0, 0], [0, 0])], [50], 1e-6, device.info.adapter);
    expect(await loss([1, 2, 3, 4, 5, 6, 7, 8], [noTarget, 4])).toBe(0);
    program.destroy();
  }
});

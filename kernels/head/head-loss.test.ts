import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { crossEntropy, noTarget } from '../softmax/cross-entropy.ts';
import { checkKernel, expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { headLoss, headLossKernel } from './head-loss.ts';

test.each([
  { rows: 1, width: 3, vocabulary: 2, chunk: 64 },
  { rows: 9, width: 6, vocabulary: 150, chunk: 64 },
])('loss and gradients in chunks, %o', async ({ rows, width, vocabulary, chunk }) => {
  const targets = Array.from({ length: rows }, (_, i) => (i === 3 ? noTarget : (i * 37) % vocabulary));
  const inputs = [
    { shape: [rows, width] },
    { shape: [vocabulary, width] },
    { shape: [rows], dtype: 'u32' as const, data: targets },
  ];
  await checkKernel({ kernel: headLossKernel, inputs, attributes: { chunk }, gradientOutputs: [0] });
});

const [rows, width, vocabulary] = [70, 8, 200];

/** Loss and gradients of a head, in one op or as product and cross-entropy. */
function listHead(isOneOp: boolean) {
  const builder = new PlanBuilder();
  const [x, table] = [builder.parameter('x', [rows, width]), builder.parameter('table', [vocabulary, width])];
  const targets = builder.input('targets', [7, 10], 'u32');
  const loss = isOneOp
    ? headLoss(builder, x, table, targets)
    : crossEntropy(builder, builder.op(matmul, [x, table], { layout: 'nt' })[0], targets);
  builder.backward(builder.readable(loss));
  builder.gradients();
  return builder.finish();
}

test('it is the cross-entropy of the product, in less memory, also where bindings are small', async () => {
  const small = { maxBindingBytes: 70 * 64 * 4 }; // so that chunks have 64 columns
  let expected: number[] | undefined; // of the CPU backend, the first device
  for (const device of await testDevices(small)) {
    const results = [];
    for (const plan of [listHead(true), listHead(false)]) {
      const isWhole = plan.ops.some(({ kernel }) => kernel === matmul);
      if (isWhole && device.info.kind === 'webgpu') continue; // its logits do not fit these bindings
      const program = await device.compile(plan);
      const random = createRandom(9);
      program.writeParameters(Float32Array.from({ length: plan.parameterCount }, () => random.normal()));
      program.write(
        'targets',
        Uint32Array.from({ length: rows }, (_, i) => (i % 9 === 0 ? noTarget : (i * 7) % 200)),
      );
      await program.run();
      results.push([...(await program.read('loss')), ...(await program.read('gradients'))]);
      program.destroy();
    }
    expected ??= results[1]!;
    expectClose(results[0]!, expected, 1e-5, device.info.adapter);
  }
});

test('rows that are all left out give a loss and gradients of zero', async () => {
  for (const device of await testDevices()) {
    const program = await device.compile(listHead(true));
    program.writeParameters(new Float32Array(program.plan.parameterCount).fill(1));
    program.write('targets', new Uint32Array(rows).fill(noTarget));
    await program.run();
    expect([...(await program.read('loss'))]).toEqual([0]);
    expect(new Set(await program.read('gradients'))).toEqual(new Set([0]));
    program.destroy();
  }
});

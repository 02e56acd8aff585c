import { expect, test } from 'vitest';
import { adamw, adamwHyper } from '../adamw/adamw.ts';
import { createRandom } from '../../shared/random.ts';
import { crossEntropy } from '../softmax/cross-entropy.ts';
import { expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { PlanBuilder } from './builder.ts';
import type { DeviceTraits } from './op.ts';
import { splitElements, splitRows } from './split.ts';

const traits = (maxBindingBytes: number): DeviceTraits => ({
  isCpu: true,
  maxBindingBytes,
  maxWorkgroups: 65535,
  subgroupMinSize: 4,
  subgroupMaxSize: 4,
  features: new Set(),
});

test('what fits stays whole', () => {
  expect(splitElements(1000, traits(4000))).toEqual([{ first: 0, elements: 1000 }]);
});

test('parts begin at multiples of 64 elements, fit the limit and cover everything', () => {
  expect(splitElements(1000, traits(1999))).toEqual([
    { first: 0, elements: 448 },
    { first: 448, elements: 448 },
    { first: 896, elements: 104 },
  ]);
});

test('rows stay whole', () => {
  expect(splitRows(200, 10, traits(4 * 10 * 130))).toEqual([
    { first: 0, rows: 128 },
    { first: 128, rows: 72 },
  ]);
});

test('a step over tensors that are larger than a binding gives the numbers of a whole one', async () => {
  const [rows, vocabulary] = [200, 256];
  const builder = new PlanBuilder();
  const logits = builder.parameter('logits', [rows, vocabulary], { decay: true });
  const targets = builder.input('targets', [rows], 'u32');
  builder.backward(crossEntropy(builder, logits, targets));
  adamw(builder);
  const plan = builder.finish();
  const random = createRandom(1);
  const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, maxNorm: 0.01 };
  const results: Float32Array[] = [];
  const start = Float32Array.from({ length: plan.parameterCount }, () => random.normal());
  for (const device of await testDevices({ maxBindingBytes: 4 * vocabulary * 64 })) {
    const program = await device.compile(plan);
    program.writeParameters(start);
    program.write(
      'targets',
      Uint32Array.from({ length: rows }, (_, row) => (row * 7) % vocabulary),
    );
    program.write('adamw.hyper', adamwHyper(options, 1));
    await program.run();
    results.push(await program.readParameters());
    device.destroy();
  }
  for (const result of results.slice(1)) expectClose(result, results[0]!, 1e-5, 'parameters after a step in parts');
});

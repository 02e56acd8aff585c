import { expect, test } from 'vitest';
import { adamwHyper } from '../adamw/adamw.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { muon, muonHyper, orthogonalize } from './muon.ts';
import { stacksOf } from './stack.ts';

// PyTorch 1.13 on a CPU, float32: torch.optim.AdamW for table and bias; for the matrices Keller Jordan's zeropower_via_newtonschulz5
// with float32 in place of bfloat16, momentum lerp_(gradient, 0.05), Nesterov, and steps of 0.2 sqrt(longer side).
const expected: Readonly<Record<string, readonly number[]>> = {
  wide: [
    0.0568612106, 0.793965995, -0.483234257, 0.255677432, 0.993549049, -0.27468583, 0.453068733, -0.815525472,
    -0.0765170082, 0.661065161, -0.61680454, 0.122721992,
  ],
  tall: [
    -0.894802153, -0.153964162, 0.580149591, -0.698747277, 0.0413521938, 0.776891708, -0.50269258, 0.236668527,
    0.973634005, -0.291657954, 0.43538779, -0.839054942,
  ],
  square: [
    0.159512803, 0.895831585, -0.372454703, 0.356471688, -0.913800597, -0.174526393, 0.554831862, -0.718742192,
    0.0208695196, 0.758576453, -0.521684051, 0.216527358, 0.95404768, -0.314474583, 0.415257663, -0.850611091,
    -0.114718147, 0.620345175, -0.659508109, 0.0822204202, 0.818589568, -0.462735981, 0.275106609, -1.00238109,
    -0.255130947,
  ],
  table: [-0.802461147, -0.0398128182, 0.660992324, -0.608720541, 0.152052552, 0.856514096],
  bias: [0.266421735, 0.977221847, -0.255104601],
};
const shapes = { wide: [3, 4], tall: [4, 3], square: [5, 5], table: [3, 2], bias: [3] };

function numbers(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => ((i * 37 + seed * 53) % 101) / 50 - 1);
}

test.each(['whole', 'by the matrix'])('Muon takes the steps that PyTorch takes, vectors bound %s', async (bound) => {
  const builder = new PlanBuilder();
  const parameters = Object.entries(shapes).map(([name, shape]) =>
    builder.parameter(name, shape, { decay: name !== 'bias' }),
  );
  muon(builder, ({ name }) => name !== 'table');
  const plan = builder.finish();
  const options = { learningRate: 0.01, weightDecay: 0.1, maxNorm: 1 };
  const limits = bound === 'whole' ? undefined : { maxBindingBytes: 512 }; // a flat vector of 1280 bytes
  for (const device of await testDevices(limits)) {
    const program = await device.compile(plan);
    for (const [i, { name, shape }] of parameters.entries()) {
      program.write(name, Float32Array.from(numbers(product(shape), i + 1)));
    }
    for (let step = 1; step <= 3; step++) {
      const flat = new Float32Array(plan.parameterCount);
      for (const [i, { offset, shape }] of parameters.entries())
        flat.set(numbers(product(shape), 10 * step + i), offset);
      program.write('gradients', flat);
      program.write('muon.hyper', muonHyper({ ...options, momentum: 0.95 }));
      program.write('adamw.hyper', adamwHyper({ ...options, beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }, step));
      await program.run();
    }
    for (const [name, values] of Object.entries(expected)) {
      expectClose(await program.read(name), values, 2e-6, `${name} on ${device.info.adapter}`);
    }
    program.destroy();
  }
});

test('orthogonalising brings singular values near 1, and leaves zeros zero', async () => {
  const builder = new PlanBuilder();
  const x = builder.input('x', [2, 2, 3]);
  const y = builder.readable(orthogonalize(builder, x));
  for (const device of await testDevices()) {
    const program = await device.compile(builder.finish());
    program.write('x', new Float32Array([1e-6, 0, 0, 0, 3e-6, 0, 0, 0, 0, 0, 0, 0]));
    await program.run();
    const [first, , , , second, , ...zeros] = await program.read(y.name);
    for (const value of [first!, second!]) expect(Math.abs(value - 1)).toBeLessThan(0.35);
    expect([...zeros]).toEqual([0, 0, 0, 0, 0, 0]);
    program.destroy();
  }
});

test('stacks hold matrices of one shape, either way round, and no more elements than allowed', () => {
  const named = (shape: number[], offset: number) => ({ name: `${offset}`, shape, offset, elements: 12, decay: true });
  const stacks = stacksOf([named([3, 4], 0), named([4, 3], 64), named([2, 6], 128), named([3, 4], 192)], 24);
  expect(stacks.map(({ rows, columns, matrices }) => [rows, columns, matrices.map((m) => m.isTransposed)])).toEqual([
    [3, 4, [false, true]],
    [3, 4, [false]],
    [2, 6, [false]],
  ]);
});

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

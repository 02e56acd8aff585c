import { expect, test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { interpret } from '../testing/interpret.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { layerNorm, normKernel, rmsNorm } from './norm.ts';

const shapes = [
  [1, 1],
  [3, 7],
  [65, 33],
  [9, 36],
  [5, 257],
] as const;

test.each(shapes)('LayerNorm with gain and bias, [%i, %i]', async (rows, width) => {
  await checkKernel({
    kernel: normKernel,
    inputs: [{ shape: [rows, width] }, { shape: [width] }, { shape: [width] }],
    attributes: { centred: true, epsilon: 1e-5 },
    gradientOutputs: [0],
  });
});

test.each(shapes.slice(1))('LayerNorm without bias and RMSNorm, [%i, %i]', async (rows, width) => {
  for (const centred of [true, false]) {
    await checkKernel({
      kernel: normKernel,
      inputs: [{ shape: [rows, width] }, { shape: [width] }],
      attributes: { centred, epsilon: 1e-5 },
      gradientOutputs: [0],
    });
  }
});

test('inputs that are not trained get no gradient, the others still do', async () => {
  const inputs = [{ shape: [5, 6] }, { shape: [6] }, { shape: [6] }];
  for (const trained of [0, 1, 2]) {
    await checkKernel({
      kernel: normKernel,
      inputs: inputs.map((input, index) => ({ ...input, gradient: index === trained })),
      attributes: { centred: true, epsilon: 1e-5 },
      gradientOutputs: [0],
    });
  }
});

test('a row of LayerNorm has mean 0 and variance 1; a row of RMSNorm has mean square 1', () => {
  const builder = new PlanBuilder();
  const x = builder.input('x', [1, 4]);
  const gain = builder.input('gain', [4]);
  layerNorm(builder, x, gain, null, { epsilon: 0, name: 'layer' });
  rmsNorm(builder, x, gain, { epsilon: 0, name: 'rms' });
  const values = interpret(builder.finish(), { x: [1, 2, 3, 6], gain: [1, 1, 1, 1] }, 'f64');
  const moments = (name: string) => {
    const row = Array.from(values.get(name)!);
    return [row.reduce((sum, v) => sum + v) / 4, row.reduce((sum, v) => sum + v * v, 0) / 4];
  };
  expect(moments('layer')[0]).toBeCloseTo(0, 12);
  expect(moments('layer')[1]).toBeCloseTo(1, 12);
  expect(moments('rms')[1]).toBeCloseTo(1, 12);
  expect(values.get('rms')![3]).toBeCloseTo(6 / Math.sqrt(12.5), 12);
});

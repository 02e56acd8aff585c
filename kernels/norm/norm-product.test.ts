import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { gelu } from '../elementwise/gelu.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Kernel } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { interpret } from '../testing/interpret.ts';
import { layerNorm, rmsNorm } from './norm.ts';
import { normProduct } from './norm-product.ts';

interface Case {
  readonly rows: number;
  readonly width: number;
  readonly columns: number;
  readonly layout: 'nn' | 'nt';
  readonly norm: 'layer' | 'rms';
  readonly tile: number;
  readonly activation?: Kernel;
}

/** A norm, the product of its output with a bias, and an activation; everything that is written can be read. */
function listCase({ rows, width, columns, layout, norm, tile, activation = gelu }: Case, fuse: boolean): Plan {
  const builder = new PlanBuilder();
  const x = builder.input('x', [rows, width]);
  const gain = builder.parameter('gain', [width]);
  const normed =
    norm === 'layer' ? layerNorm(builder, x, gain, builder.parameter('shift', [width])) : rmsNorm(builder, x, gain);
  const b = builder.parameter('b', layout === 'nn' ? [width, columns] : [columns, width]);
  const bias = builder.parameter('bias', [columns]);
  const product = builder.op(matmul, [normed, b, bias], { layout, tile }, ['product'])[0];
  const active = builder.op(activation, [product], {}, ['active'])[0];
  for (const tensor of [normed, product, active]) builder.readable(tensor);
  builder.parameters();
  return builder.finish({ fuse });
}

const cases: readonly Case[] = [
  { rows: 67, width: 36, columns: 68, layout: 'nn', norm: 'layer', tile: 64 },
  { rows: 131, width: 19, columns: 5, layout: 'nt', norm: 'rms', tile: 128 },
  { rows: 5, width: 9, columns: 70, layout: 'nn', norm: 'layer', tile: 64 },
  { rows: 67, width: 12, columns: 138, layout: 'nt', norm: 'rms', tile: 64, activation: swiglu },
  { rows: 3, width: 7, columns: 6, layout: 'nt', norm: 'layer', tile: 128, activation: swiglu },
];

test.each(cases)('a norm and its product in one op, %o', { timeout: 300_000 }, async (shape) => {
  const [listed, fused] = [listCase(shape, false), listCase(shape, true)];
  expect(fused.ops.map(({ kernel }) => kernel)).toEqual([normProduct]);
  const random = createRandom(1);
  const draw = (length: number, mean: number) => Float32Array.from({ length }, () => mean + random.normal());
  // A mean far from zero: a variance taken as a difference of sums about zero would lose four digits.
  const values = { x: draw(shape.rows * shape.width, 100), parameters: draw(listed.parameterCount, 0) };
  const wanted = interpret(listed, values);
  for (const device of await testDevices()) {
    const program = await device.compile(fused);
    program.write('x', values.x);
    program.writeParameters(values.parameters);
    await program.run();
    for (const name of ['norm', 'product', 'active'])
      expectClose(await program.read(name), wanted.get(name)!, 2e-5, `${name} on ${device.info.adapter}`);
    program.destroy();
  }
});

import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { gelu } from '../elementwise/gelu.ts';
import { sum } from '../elementwise/sum.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Tensor } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import { expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { interpret } from '../testing/interpret.ts';
import { matmul } from './matmul.ts';

/** What decoding does in a block and at its end: rows through products with bias, GELU, residual, and B^T. */
function listRows(rows: number, width: number, vocabulary: number): Plan {
  const builder = new PlanBuilder();
  const x = builder.parameter('x', [rows, width]);
  const linear = (input: Tensor, name: string, wide: number): Tensor => {
    const weights = [builder.parameter(`w ${name}`, [input.shape[1]!, wide]), builder.parameter(`b ${name}`, [wide])];
    return builder.op(matmul, [input, ...weights], { layout: 'nn' })[0];
  };
  const narrow = linear(builder.op(gelu, [linear(x, 'up', 4 * width)])[0], 'down', width);
  const out = builder.readable(builder.op(sum, [x, narrow], {}, ['out'])[0]);
  const table = builder.parameter('table', [vocabulary, width]);
  builder.readable(builder.op(matmul, [out, table], { layout: 'nt' }, ['logits'])[0]);
  return builder.finish();
}

async function checkRows(
  rows: number,
  width: number,
  vocabulary: number,
  limits?: { maxBindingBytes: number },
): Promise<void> {
  const plan = listRows(rows, width, vocabulary);
  expect(plan.ops.map(({ kernel }) => kernel.name)).toEqual(['matmul', 'matmul', 'matmul']);
  const random = createRandom(3);
  const parameters = Float32Array.from({ length: plan.parameterCount }, () => random.normal());
  const wanted = interpret(plan, named(plan, parameters));
  for (const device of await testDevices(limits)) {
    const program = await device.compile(plan);
    program.writeParameters(parameters);
    for (const name of ['out', 'logits']) program.write(name, wanted.get(name)!.slice().fill(NaN));
    await program.run();
    for (const name of ['out', 'logits'])
      expectClose(await program.read(name), wanted.get(name)!, 1e-5, `${name} on ${device.info.adapter}`);
    program.destroy();
  }
}

function named({ parameters }: Plan, flat: Float32Array): Record<string, Float32Array> {
  return Object.fromEntries(
    parameters.map(({ name, offset, elements }) => [name, flat.slice(offset, offset + elements)]),
  );
}

test('one row times matrices that are whole vectors wide', { timeout: 120_000 }, () => checkRows(1, 72, 203));

test('one row times matrices that are not', { timeout: 120_000 }, () => checkRows(1, 7, 18));

test.each([3, 8, 9])('%i rows, which several texts at once have', { timeout: 120_000 }, async (rows) => {
  await checkRows(rows, 72, 204);
  await checkRows(rows, 7, 18);
});

test('a vocabulary beyond the binding limit goes in parts', { timeout: 120_000 }, async () => {
  await checkRows(1, 8, 203, { maxBindingBytes: 4 * 8 * 64 });
  await checkRows(3, 16, 203, { maxBindingBytes: 4 * 16 * 64 });
});

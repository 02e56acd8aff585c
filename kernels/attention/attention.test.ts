import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { rotaryAngles } from '../rotary/angles.ts';
import type { Rotary } from '../rotary/angles.ts';
import { rotaryTable, rotate } from '../rotary/rotary.ts';
import { checkKernel } from '../testing/check.ts';
import type { CheckedInput } from '../testing/check.ts';
import { interpret } from '../testing/interpret.ts';
import { attend, attentionKernel } from './attention.ts';

// Few shapes, because a software adapter takes seconds to compile the kernels for GPUs. All span two tiles; the first has
// heads that are not whole vectors and share keys and values in pairs, the second heads above 64.
test.each([
  { batch: 2, time: 37, heads: 6, kvHeads: 3, headSize: 5 },
  { batch: 1, time: 17, heads: 1, kvHeads: 1, headSize: 68 },
])('causal attention and its gradient, %o', { timeout: 300_000 }, async ({ headSize, batch, ...shape }) => {
  await checkAttention(batch, headSize, shape);
});

// Tiles turn heads of the first, second and third size themselves: half a vector group an invocation, several, and in tiles of 16.
test.each([
  { batch: 2, time: 37, heads: 4, kvHeads: 2, headSize: 8 },
  { batch: 1, time: 33, heads: 2, kvHeads: 1, headSize: 40 },
  { batch: 1, time: 17, heads: 1, kvHeads: 1, headSize: 72 },
  { batch: 2, time: 33, heads: 2, kvHeads: 1, headSize: 6 },
])('attention over turned queries and keys, %o', { timeout: 300_000 }, async ({ headSize, batch, ...shape }) => {
  await checkAttention(batch, headSize, shape, { base: 50 });
});

test('turned in one op as in one of its own', () => {
  const [time, heads, headSize] = [9, 2, 4];
  const values = (turned: boolean) => {
    const builder = new PlanBuilder();
    const qkv = builder.input('qkv', [2 * time, 3 * heads * headSize]);
    const angles = rotaryTable(builder, { time, headSize, rotary: { base: 10 } });
    if (turned) attend(builder, qkv, { time, heads, angles });
    else attend(builder, rotate(builder, qkv, angles, 2 * heads), { time, heads });
    const random = createRandom(3);
    const data = Array.from({ length: 2 * time * 3 * heads * headSize }, () => random.normal());
    return interpret(builder.finish(), { qkv: data }, 'f64').get('attention')!;
  };
  expect(values(true)).toEqual(values(false));
});

test('all heads of queries share one head of keys and values, on the CPU backend', async () => {
  await checkAttention(2, 4, { time: 33, heads: 4, kvHeads: 1 }, null, 'cpu');
});

function anglesOf(time: number, headSize: number, rotary: Rotary): CheckedInput {
  return { shape: [time, headSize / 2, 2], data: rotaryAngles(time, headSize, rotary), gradient: false };
}

async function checkAttention(
  batch: number,
  headSize: number,
  shape: { time: number; heads: number; kvHeads: number },
  rotary: Rotary | null = null,
  devices?: 'cpu',
): Promise<void> {
  await checkKernel({
    kernel: attentionKernel,
    inputs: [
      { shape: [batch * shape.time, (shape.heads + 2 * shape.kvHeads) * headSize] },
      ...(rotary ? [anglesOf(shape.time, headSize, rotary)] : []),
    ],
    attributes: { ...shape, scale: 1 / Math.sqrt(headSize) },
    gradientOutputs: [0],
    ...(devices && { devices }),
  });
}

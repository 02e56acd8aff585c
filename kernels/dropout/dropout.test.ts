import { expect, test } from 'vitest';
import { PlanBuilder } from '../plan/builder.ts';
import { checkKernel } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { dropout } from './dropout.ts';

test.each([[1], [3, 67], [2, 5, 13]])('dropout of [%o, …], forward and backward', async (...shape) => {
  const inputs = [{ shape }, { shape: [1], dtype: 'u32', data: [77] } as const];
  await checkKernel({ kernel: dropout, inputs, attributes: { rate: 0.3, site: 4 } });
});

const elements = 20_000;

/** Ones through dropout at two sites, on every device. */
async function masks(seed: number, rate: number): Promise<{ a: number[]; b: number[] }[]> {
  const builder = new PlanBuilder();
  const [ones, seeds] = [builder.input('ones', [elements]), builder.input('seed', [1], 'u32')];
  for (const [site, name] of ['a', 'b'].entries()) {
    builder.readable(builder.op(dropout, [ones, seeds], { rate, site }, [name])[0]);
  }
  const results = [];
  for (const device of await testDevices()) {
    const program = await device.compile(builder.finish());
    program.write('ones', new Float32Array(elements).fill(1));
    program.write('seed', Uint32Array.of(seed));
    await program.run();
    results.push({ a: [...(await program.read('a'))], b: [...(await program.read('b'))] });
    program.destroy();
  }
  return results;
}

test('masks are the same bits everywhere, drop the asked part, and differ by seed and site', async () => {
  const [first, ...others] = await masks(0xfedcba98, 0.25);
  for (const other of others) expect(other).toEqual(first);
  const { a, b } = first!;
  const dropped = (mask: number[]) => mask.filter((value) => value === 0).length / elements;
  for (const mask of [a, b]) expect(Math.abs(dropped(mask) - 0.25)).toBeLessThan(0.015); // five deviations
  expect(new Set(a)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  const differing = a.filter((value, i) => value !== b[i]).length / elements;
  expect(Math.abs(differing - 2 * 0.25 * 0.75)).toBeLessThan(0.02);
  expect((await masks(1, 0.25))[0]!.a).not.toEqual(a);
});

test('a rate of 0 keeps all, and what is dropped is 0 whatever it was', async () => {
  expect((await masks(5, 0))[0]!.a.every((value) => value === 1)).toBe(true);
  const view = (value: number) => new Float32Array(64).fill(value);
  const out = view(1);
  const op = { kernel: dropout, inputs: [], outputs: [], attributes: { rate: 0.5, site: 0 } };
  dropout.reference([view(NaN), Uint32Array.of(3)], [out], op);
  expect(new Set(out)).toEqual(new Set([NaN, 0]));
});

test.each([1, -0.1, NaN])('the rate %d is refused', (rate) => {
  const builder = new PlanBuilder();
  const inputs = [builder.input('x', [2]), builder.input('seed', [1], 'u32')];
  expect(() => builder.op(dropout, inputs, { rate, site: 0 })).toThrow('the rate');
});

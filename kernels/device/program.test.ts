import { expect, test } from 'vitest';
import { gelu } from '../elementwise/gelu.ts';
import { scale } from '../elementwise/scale.ts';
import { sum } from '../elementwise/sum.ts';
import { matmul } from '../matmul/matmul.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Tensor } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import type { Random } from '../../shared/random.ts';
import { createRandom } from '../../shared/random.ts';
import { testDevices } from '../testing/devices.ts';
import type { Program } from './device.ts';

// One body for every backend. The third device differs from the second only in the kernels it is given.
const devices = (await testDevices()).slice(0, 2).map((device) => ({ name: device.info.kind, device }));

/** x -> gelu(x w + b) summed with x, several layers deep, with gradients of a linear loss. */
function smallNetwork(layers: number): Plan {
  const builder = new PlanBuilder();
  let x: Tensor = builder.input('x', [5, 8]);
  for (let layer = 0; layer < layers; layer++) {
    const w = builder.parameter(`w${layer}`, [8, 8]);
    const b = builder.parameter(`b${layer}`, [8]);
    const [linear] = builder.op(matmul, [x, w, b], { layout: 'nn' });
    [x] = builder.op(sum, [builder.op(gelu, [linear])[0], x]);
  }
  const [y] = builder.op(scale, [x], { factor: 1 }, ['y']);
  builder.readable(y);
  builder.backwardFrom([{ output: y, gradient: builder.input('dy', [5, 8]) }]);
  builder.gradients();
  return builder.finish();
}

function fill(program: Program, seed: number): void {
  const random = createRandom(seed);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  program.writeParameters(numbers(program.plan.parameterCount));
  program.write('x', numbers(40));
  program.write('dy', numbers(40));
}

test.each(devices)('a run creates nothing, and running again gives the same numbers, on $name', async ({ device }) => {
  const program = await device.compile(smallNetwork(3));
  fill(program, 1);
  await program.run();
  const first = [await program.read('y'), await program.read('gradients'), await program.readParameters()];
  const counters = { ...program.counters };
  for (let i = 0; i < 3; i++) await program.run();
  const again = [await program.read('y'), await program.read('gradients'), await program.readParameters()];
  expect(again).toEqual(first);
  expect(program.counters.buffersCreated).toBe(counters.buffersCreated);
  expect(program.counters.bindGroupsCreated).toBe(counters.bindGroupsCreated);
  expect(program.counters.submits).toBe(4 * counters.submits);
  expect(counters.submits).toBe(1);
  expect(program.counters.dispatches).toBe(4 * counters.dispatches);
  expect(counters.bytesRead).toBe(first.reduce((bytes, view) => bytes + view.byteLength, 0));
  expect(counters.bytesUploaded).toBe((program.plan.parameterCount + 80) * 4);
  program.destroy();
});

test.each(devices)('gradients reach every parameter, and padding stays zero, on $name', async ({ device }) => {
  const program = await device.compile(smallNetwork(2));
  fill(program, 2);
  await program.run();
  const gradients = await program.read('gradients');
  for (const { offset, elements } of program.plan.parameters) {
    const slice = gradients.subarray(offset, offset + elements);
    expect(slice.every((value) => value !== 0)).toBe(true);
    const padding = gradients.subarray(offset + elements, Math.ceil((offset + elements) / 64) * 64);
    expect(padding.every((value) => value === 0)).toBe(true);
  }
});

/** Ops with random inputs among all that came before: long and short lives, fan-out, dead ends. */
function randomPlan(random: Random, ops: number): Plan {
  const builder = new PlanBuilder();
  const tensors = [builder.parameter('p', [3, 50]), builder.input('x', [3, 50])];
  const any = () => tensors[random.below(tensors.length)]!;
  for (let i = 0; i < ops; i++) {
    const kind = random.below(3);
    if (kind === 0) tensors.push(builder.op(scale, [any()], { factor: 0.5 })[0]);
    else tensors.push(builder.op(sum, Array.from({ length: kind + 1 }, any))[0]);
    if (random.below(6) === 0) builder.readable(tensors.at(-1)!);
  }
  const [last] = builder.op(scale, [tensors.at(-1)!], { factor: 1 }, ['last']);
  builder.readable(last);
  builder.backwardFrom([{ output: last, gradient: builder.input('seed', [3, 50]) }]);
  return builder.finish();
}

test.each(devices)('sharing memory changes no number, on $name', async ({ device }) => {
  for (let seed = 0; seed < 8; seed++) {
    const random = createRandom(seed);
    const plan = randomPlan(random, 30);
    const data = ['p', 'x', 'seed'].map(
      (name) => [name, Float32Array.from({ length: 150 }, () => random.normal())] as const,
    );
    const results = [];
    for (const reuseMemory of [true, false]) {
      const program = await device.compile(plan, { reuseMemory });
      for (const [name, values] of data) program.write(name, values);
      for (let run = 0; run < 2; run++) await program.run(); // the second begins with what the first left behind
      const names = [...plan.readable, ...(plan.tensors.some((tensor) => tensor.name === 'd(p)') ? ['d(p)'] : [])];
      results.push({
        values: await Promise.all(names.map((name) => program.read(name))),
        buffers: program.counters.buffersCreated,
      });
      program.destroy();
    }
    expect(results[0]!.values).toEqual(results[1]!.values);
    expect(results[0]!.buffers).toBeLessThan(results[1]!.buffers);
  }
});

test.each(devices)('programs that share have the same parameters and states, on $name', async ({ device }) => {
  const plan = (factor: number) => {
    const builder = new PlanBuilder();
    const [y] = builder.op(scale, [builder.parameter('w', [3])], { factor }, ['y']);
    const [z] = builder.op(scale, [builder.state('s', [3])], { factor }, ['z']);
    builder.readable(y);
    builder.readable(z);
    return builder.finish();
  };
  const first = await device.compile(plan(2));
  const second = await device.compile(plan(3), { shareWith: first });
  second.write('w', new Float32Array([1, 2, 3]));
  first.write('s', new Float32Array([4, 5, 6]));
  await Promise.all([first.run(), second.run()]);
  expect(Array.from(await first.read('y'))).toEqual([2, 4, 6]);
  expect(Array.from(await second.read('z'))).toEqual([12, 15, 18]);
  const other = new PlanBuilder();
  other.parameter('v', [3]);
  await expect(device.compile(other.finish(), { shareWith: first })).rejects.toThrow('different parameters');
  second.destroy();
  await first.run();
  expect(Array.from(await first.readParameters()).slice(0, 3)).toEqual([1, 2, 3]);
});

test.each(devices)('wrong names and sizes are refused, on $name', async ({ device }) => {
  const program = await device.compile(smallNetwork(1));
  expect(() => program.write('x', new Float32Array(39))).toThrow('x is f32[5, 8], not 39 elements of f32');
  expect(() => program.write('x', new Uint32Array(40))).toThrow('not 40 elements of u32');
  expect(() => program.write('nothing', new Float32Array(1))).toThrow('no tensor nothing');
  expect(() => program.writeParameters(new Float32Array(1))).toThrow('1 parameters instead of');
  await expect(program.read('gelu')).rejects.toThrow('gelu is not readable');
});

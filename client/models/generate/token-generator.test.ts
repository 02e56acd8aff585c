import { expect, test } from 'vitest';
import type { Device } from '../../../kernels/device/device.ts';
import { openCpu } from '../../../kernels/device/cpu.ts';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import { expectClose } from '../../../kernels/testing/check.ts';
import { halfDevices, testDevices } from '../../../kernels/testing/devices.ts';
import { halfPlan } from '../../../kernels/testing/half-plan.ts';
import { interpret } from '../../../kernels/testing/interpret.ts';
import { dequantize, quantize as quantized } from '../../../kernels/quantize/format.ts';
import { createRandom } from '../../../shared/random.ts';
import type { DecoderShape } from '../decoder.ts';
import { listDecoder } from '../decoder.ts';
import { toNamedArrays } from '../files/named-arrays.ts';
import { windows } from '../sequence.ts';
import { isTable } from '../tables.ts';
import { decodePlan, prefillPlan } from './decode-plans.ts';
import { TokenGenerator } from './token-generator.ts';
import { weightBytesRead } from './weights.ts';

const sizes = { layers: 2, heads: 4, width: 24, context: 16, vocabulary: 37 };
const shapes: Record<string, DecoderShape> = {
  'GPT, learned positions': { ...sizes, kind: 'gpt', positions: 'learned', norm: 'layer' },
  'GPT, rotary positions, RMSNorm': { ...sizes, kind: 'gpt', positions: 'rotary', norm: 'rms' },
  'Llama, shared keys and values, normed heads': {
    ...sizes,
    kind: 'llama',
    kvHeads: 2,
    headSize: 6,
    hidden: 40,
    rotary: { base: 10000 },
    epsilon: 1e-6,
    qkvBias: true,
    headNorm: true,
    tied: false,
  },
};
const text = Array.from({ length: sizes.context }, (_, i) => (i * 29 + 5) % sizes.vocabulary);
const settings = { tokens: 8, temperature: 0.9, topK: 12, topP: 0.95, seed: 5 };

function forwardPlan(shape: DecoderShape): Plan {
  const builder = new PlanBuilder();
  listDecoder(builder, shape, windows(builder, builder.input('tokens', [1, shape.context], 'u32')));
  return builder.finish();
}

function randomParameters({ parameterCount }: Plan): Float32Array {
  const random = createRandom(11);
  return Float32Array.from({ length: parameterCount }, () => 0.3 * random.normal());
}

/** Logits [T, V] of a whole forward pass, by the references. */
function wholeLogits(shape: DecoderShape, tokens: readonly number[]): Float32Array {
  const plan = forwardPlan(shape);
  const flat = randomParameters(plan);
  const named = plan.parameters.map(
    ({ name, offset, elements }) => [name, flat.slice(offset, offset + elements)] as const,
  );
  const padded = Array.from({ length: shape.context }, (_, i) => tokens[i] ?? 0);
  return interpret(plan, { ...Object.fromEntries(named), tokens: padded }).get('logits') as Float32Array;
}

async function openGenerator(device: Device, shape: DecoderShape): Promise<TokenGenerator> {
  const generator = await TokenGenerator.open(device, shape);
  generator.writeParameters(randomParameters(forwardPlan(shape)));
  return generator;
}

async function write(generator: TokenGenerator, prompt: readonly number[], options = settings): Promise<number[]> {
  const tokens: number[] = [];
  for await (const token of generator.generate(prompt, options)) tokens.push(token);
  return tokens;
}

test.each(Object.entries(shapes))(
  '%s: a step has the logits of the whole forward pass',
  { timeout: 120_000 },
  async (_, shape) => {
    // Software adapters take seconds to compile prefill: the model with the most kernels stands for all.
    const devices = shape.kind === 'llama' ? await testDevices() : [openCpu()];
    for (const device of devices) await checkSteps(device, shape, 'f32', 1e-4);
  },
);

test('in f16 a step has nearly the same logits, over caches of half the size', { timeout: 900_000 }, async () => {
  const shape = Object.values(shapes).at(-1)!;
  for (const device of [openCpu(), ...(await halfDevices())]) await checkSteps(device, shape, 'f16', 1e-2);
  const half = halfPlan(decodePlan(shape, { capacity: shape.context })).tensors.filter(({ dtype }) => dtype === 'f16');
  expect(half.filter(({ role }) => role === 'state')).toHaveLength(2 * sizes.layers);
});

async function checkSteps(device: Device, shape: DecoderShape, precision: 'f32' | 'f16', tolerance: number) {
  const wanted = wholeLogits(shape, text);
  const read = 6; // positions that prefill reads in
  const cache = { capacity: shape.context };
  const step = await device.compile(decodePlan(shape, cache), { precision });
  const prefill = await device.compile(prefillPlan(shape, cache, 8), { shareWith: step, precision });
  step.writeParameters(randomParameters(step.plan));
  prefill.write(
    'tokens',
    Uint32Array.from({ length: 8 }, (_, i) => (i < read ? text[i]! : 1)),
  );
  await prefill.run();
  for (let t = read; t < text.length; t++) {
    step.write('decode.cursor', Uint32Array.of(text[t]!, t, 0, 0));
    await step.run();
    const row = wanted.subarray(t * shape.vocabulary, (t + 1) * shape.vocabulary);
    expectClose(await step.read('logits'), row, tolerance, `position ${t} on ${device.info.adapter}`);
  }
}

test(
  'a step is one submit of at most 8 dispatches a layer and 4 more, and makes nothing',
  { timeout: 120_000 },
  async () => {
    for (const device of await testDevices()) {
      const step = await device.compile(decodePlan(shapes['GPT, learned positions']!, { capacity: 8 }));
      await step.run();
      const before = { ...step.counters };
      await step.run();
      const { dispatches, submits, buffersCreated, bindGroupsCreated } = step.counters;
      expect(dispatches - before.dispatches).toBeLessThanOrEqual(8 * sizes.layers + 4);
      expect(submits - before.submits).toBe(1);
      expect([buffersCreated, bindGroupsCreated]).toEqual([before.buffersCreated, before.bindGroupsCreated]);
      step.destroy();
    }
  },
);

test.each(['int8', 'nf4'] as const)(
  'with weights in %s it writes what their rounded values write, and a step reads a fraction',
  { timeout: 120_000 },
  async (quantize) => {
    for (const shape of Object.values(shapes)) {
      const plan = forwardPlan(shape);
      const parameters = randomParameters(plan);
      const rounded = parameters.slice();
      for (const { name, shape: sizes, data } of toNamedArrays(plan, rounded)) {
        if (sizes.length < 2 || name.includes('wpe')) continue;
        data.set(dequantize(quantized(data, isTable(name) ? 'int8' : quantize)));
      }
      const devices = shape.kind === 'llama' ? await testDevices() : [openCpu()];
      for (const device of devices) {
        const plain = await TokenGenerator.open(device, shape);
        plain.writeParameters(rounded);
        const generator = await TokenGenerator.open(device, shape, { quantize });
        generator.writeParameters(parameters);
        const greedy = { ...settings, temperature: 0 };
        expect(await write(generator, text.slice(0, 5), greedy)).toEqual(await write(plain, text.slice(0, 5), greedy));
        expect(generator.weightBytes / plain.weightBytes).toBeLessThan(quantize === 'int8' ? 0.33 : 0.27);
        for (const opened of [plain, generator]) opened.destroy();
      }
    }
  },
);

test('without temperature, the likeliest token of the whole forward pass follows', async () => {
  for (const shape of Object.values(shapes)) {
    const seen = text.slice(0, 5);
    const generator = await openGenerator(openCpu(), shape);
    const written = await write(generator, seen, { ...settings, temperature: 0 });
    for (const token of written) {
      const last = (seen.length - 1) * shape.vocabulary;
      const logits = wholeLogits(shape, seen).subarray(last, last + shape.vocabulary);
      expect(token).toBe(logits.indexOf(Math.max(...logits)));
      seen.push(token);
    }
  }
});

test(
  'the same seed writes the same text, another seed another, far beyond the context',
  { timeout: 120_000 },
  async () => {
    const long = { ...settings, tokens: sizes.context + 5 };
    for (const device of await testDevices()) {
      const generator = await openGenerator(device, shapes['GPT, learned positions']!);
      const first = await write(generator, [3], long);
      expect(first).toHaveLength(long.tokens);
      expect(await write(generator, [3], long)).toEqual(first);
      expect(await write(generator, [3], { ...long, seed: 6 })).not.toEqual(first);
      generator.destroy();
    }
  },
);

test('a prompt beyond the context counts with its end; generation ends after a stop token, or when nobody listens', async () => {
  const generator = await openGenerator(openCpu(), shapes['GPT, learned positions']!);
  const end = text.slice(-sizes.context);
  expect(await write(generator, [...text, ...text])).toEqual(await write(generator, end));
  const all = await write(generator, end);
  const stop = new Set([all[2]!]);
  expect(await write(generator, end, { ...settings, stop } as typeof settings)).toEqual(
    all.slice(0, all.indexOf(all[2]!) + 1),
  );
  for await (const token of generator.generate(end, settings)) {
    expect(token).toBe(all[0]);
    break;
  }
});

const prompts = [text.slice(0, 3), text.slice(0, 9), text, [7], text.slice(2, 6)];

test.each(Object.entries(shapes))(
  '%s: texts written at once are those written one by one, beyond the context and after stop tokens too',
  { timeout: 300_000 },
  async (name, shape) => {
    const devices = name === 'Llama, shared keys and values' ? await testDevices() : [openCpu()];
    for (const device of devices) {
      const [count, tokens] = device === devices[0] ? [prompts.length, 2 * sizes.context] : [2, sizes.context];
      const single = await openGenerator(device, shape);
      const alone: number[][] = [];
      for (const [i, prompt] of prompts.slice(0, count).entries())
        alone.push(await write(single, prompt, { ...settings, tokens, seed: settings.seed + i }));
      const generator = await TokenGenerator.open(device, shape, { texts: count });
      generator.writeParameters(randomParameters(forwardPlan(shape)));
      const stop = new Set([alone[0]![3]!]); // one that most texts never come to
      const ended = alone.map((all) => (all.some((token) => stop.has(token)) ? upTo(all, stop) : all));
      for (const [wanted, options] of [
        [alone, { ...settings, tokens }],
        [ended, { ...settings, tokens, stop }],
      ] as const) {
        const together: number[][] = wanted.map(() => []);
        for await (const written of generator.generateAll(prompts.slice(0, count), options))
          together[written.text]!.push(written.token);
        expect(together, device.info.adapter).toEqual(wanted);
      }
      for (const opened of [single, generator]) opened.destroy();
    }
  },
);

function upTo(tokens: readonly number[], stop: ReadonlySet<number>): number[] {
  return tokens.slice(0, tokens.findIndex((token) => stop.has(token)) + 1);
}

test('a step of many texts reads the weights once', () => {
  const one = decodePlan(shapes['GPT, learned positions']!, { capacity: 8 });
  const many = decodePlan(shapes['GPT, learned positions']!, { capacity: 8, texts: 5 });
  expect(weightBytesRead(many)).toBe(weightBytesRead(one));
  expect(many.ops).toHaveLength(one.ops.length);
});

test('prompts that are empty or no tokens of the model are refused', async () => {
  const generator = await openGenerator(openCpu(), shapes['GPT, learned positions']!);
  await expect(write(generator, [])).rejects.toThrow('no tokens');
  await expect(write(generator, [1, 37])).rejects.toThrow('token 37 is not in the vocabulary');
});

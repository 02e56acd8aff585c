// Written on one device and checked on another: what the same model wrote is genuine on every backend, and nothing else is.

import { expect, test, vi } from 'vitest';
import type { Device } from '../../../kernels/device/device.ts';
import { testDevices } from '../../../kernels/testing/devices.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { createRandom } from '../../../shared/random.ts';
import type { FingerprintVerdict } from '../../../shared/verification/fingerprint.ts';
import { openCpu } from '../../../kernels/device/cpu.ts';
import type { DecoderShape } from '../decoder.ts';
import { decodePlan } from './decode-plans.ts';
import { checkFingerprint, FingerprintRecorder, parseFingerprint, stretchesOf } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';
import { TokenGenerator } from './token-generator.ts';

vi.setConfig({ testTimeout: 240_000 });

const shape: DecoderShape = {
  layers: 2,
  heads: 4,
  width: 32,
  context: 48,
  vocabulary: 61,
  kind: 'gpt',
  positions: 'rotary',
  norm: 'rms',
};
const prompt = [7, 3, 21, 40, 5];
const sampling = { temperature: 0.9, topK: 20, topP: 0.95, seed: 5 };

function parametersOf(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: decodePlan(shape, { capacity: 1 }).parameterCount }, () => 0.3 * random.normal());
}

/** Written as `Writer` does with a recorder. */
async function written(device: Device, tokens: number, quantize: QuantizedFormat | null = null): Promise<Fingerprint> {
  const generator = await TokenGenerator.open(device, shape, { ...(quantize && { quantize }) });
  generator.writeParameters(parametersOf(1));
  const recorder = new FingerprintRecorder();
  const options = { ...sampling, tokens: tokens + 1, see: (logits: Float32Array) => recorder.see(logits) };
  for await (const token of generator.generate(prompt, options))
    if (recorder.tokens.length < tokens) recorder.wrote(token);
  generator.destroy();
  return recorder.finish({ capacity: generator.capacity, quantize, adapter: device.info.adapter }, prompt, options);
}

function checked(device: Device, fingerprint: Fingerprint, seed = 1): Promise<FingerprintVerdict> {
  return checkFingerprint(device, { shape, parameters: parametersOf(seed) }, fingerprint);
}

test('genuine on every backend, also far beyond the context, and through a file', async () => {
  const devices = await testDevices();
  for (const writer of devices) {
    const fingerprint = await written(writer, 100);
    const read = parseFingerprint(JSON.stringify(fingerprint));
    expect(fingerprint.tokens).toHaveLength(100);
    for (const device of devices) {
      const verdict = await checked(device, read);
      expect(verdict.finding, `${writer.info.adapter}, checked on ${device.info.adapter}`).toBe('genuine');
    }
  }
});

test('other weights are another model, rounded weights another precision, and each is genuine as what it says it is', async () => {
  const cpu = openCpu();
  expect((await checked(cpu, await written(cpu, 60), 2)).finding).toBe('another model');
  for (const format of ['int8', 'nf4'] as const) {
    const rounded = await written(cpu, 40, format);
    expect((await checked(cpu, rounded)).finding).toBe('genuine');
    expect((await checked(cpu, { ...rounded, quantize: null })).finding).not.toBe('genuine');
  }
  const pretended = await checked(cpu, { ...(await written(cpu, 40, 'int8')), quantize: null });
  expect(pretended.finding).toBe('another precision');
});

test('an altered token is found where it is, wherever it is, the last one and those of the prompt included', async () => {
  const cpu = openCpu();
  const fingerprint = await written(cpu, 70);
  for (const at of [0, 13, 42, 69]) {
    const tokens = fingerprint.tokens.with(at, (fingerprint.tokens[at]! + 1) % shape.vocabulary);
    expect(await checked(cpu, { ...fingerprint, tokens })).toMatchObject({ finding: 'altered text', alteredAt: at });
  }
  const other = [...prompt.slice(0, -1), 6];
  expect((await checked(cpu, { ...fingerprint, prompt: other })).finding).not.toBe('genuine');
});

test('a text that was not drawn from the logits is not genuine, though its fingerprint is the right model’s', async () => {
  const cpu = openCpu();
  const fingerprint = await written(cpu, 40);
  const claimed = { ...fingerprint, sampling: { ...sampling, seed: 6 } };
  expect((await checked(cpu, claimed)).finding).toBe('altered text');
});

test('the windows are those that a writer reads', () => {
  expect(stretchesOf(5, 3, 48)).toEqual([{ from: 0, length: 7, row: 4, mark: 0, marks: 3 }]);
  expect(stretchesOf(60, 50, 48)).toEqual([
    { from: 12, length: 48, row: 47, mark: 0, marks: 1 },
    { from: 37, length: 48, row: 23, mark: 1, marks: 25 },
    { from: 62, length: 47, row: 23, mark: 26, marks: 24 },
  ]);
});

test('a file that is none is refused by its first wrong field', () => {
  expect(() => parseFingerprint('{}')).toThrow(/no fingerprint/);
  expect(() => parseFingerprint('no JSON')).toThrow(/no fingerprint/);
});

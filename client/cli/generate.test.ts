// `loomos generate` and `loomos export` as a user calls them, on a folder that a job would leave.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { beforeAll, expect, test, vi } from 'vitest';
import { PlanBuilder } from '../../kernels/plan/builder.ts';
import { modelSchema } from '../../shared/manifest/model.ts';
import { listDecoder } from '../models/decoder.ts';
import { openModel } from '../models/open-model.ts';
import { windows } from '../models/sequence.ts';

vi.setConfig({ testTimeout: 300_000 });
ort.env.wasm.numThreads = 1;

const folder = mkdtempSync(join(tmpdir(), 'loomos-model-'));

beforeAll(() => {
  const settings = modelSchema.parse({ kind: 'gpt', layers: 1, heads: 2, width: 16, context: 24, positions: 'rotary' });
  const model = openModel(settings, null);
  const builder = new PlanBuilder();
  listDecoder(builder, model.shape, windows(builder, builder.input('tokens', [1, 24], 'u32')));
  const plan = builder.finish();
  for (const { name, bytes } of model.files(plan, model.initialParameters(plan, 7)))
    writeFileSync(join(folder, name), bytes);
});

function loomos(...words: string[]) {
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    encoding: 'utf8',
    timeout: 240_000,
  });
  return { status, stdout, stderr };
}

test('generate: the same seed writes the same text, as text and as JSON', () => {
  const words = ['generate', folder, '--prompt', 'Call me', '--tokens', '40', '--seed', '3', '--backend', 'cpu'];
  const json = loomos(...words, '--json');
  expect(json.status, json.stderr).toBe(0);
  const result = JSON.parse(json.stdout) as { prompt: string; text: string; tokens: number; tokensPerSecond: number };
  expect(result).toMatchObject({ prompt: 'Call me', tokens: 40, adapter: expect.stringContaining('CPU') });
  expect(result.tokensPerSecond).toBeGreaterThan(0);
  const plain = loomos(...words);
  expect(plain.stdout).toBe(`Call me${result.text}\n`);
  expect(plain.stderr).toMatch(/40 tokens in .* tokens\/s on CPU/);
});

test('generate: several texts at once are each what its seed writes alone', () => {
  const words = ['generate', folder, '--tokens', '20', '--backend', 'cpu', '--json'];
  const run = (...more: string[]) => {
    const { status, stdout, stderr } = loomos(...words, ...more);
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as { text: string; tokens: number; texts: { prompt: string; text: string }[] };
  };
  const { texts, tokens } = run('--prompt', 'Call', '--prompt', 'It was', '--samples', '2', '--seed', '5');
  expect(tokens).toBe(80);
  expect(texts.map(({ prompt }) => prompt)).toEqual(['Call', 'Call', 'It was', 'It was']);
  expect(texts[3]!.text).toBe(run('--prompt', 'It was', '--seed', '8').text);
  expect(texts[0]!.text).not.toBe(texts[1]!.text);
  const plain = loomos('generate', folder, '--tokens', '5', '--backend', 'cpu', '--samples', '2', '--prompt', 'Call');
  expect(plain.stdout.match(/^Call/gm)).toHaveLength(2);
  expect(loomos('generate', folder, '--samples', '300')).toMatchObject({ status: 2 });
});

test('generate: weights in 4 bits take less to read', () => {
  const words = ['generate', folder, '--tokens', '5', '--backend', 'cpu', '--json'];
  const read = [words, [...words, '--quantize', 'nf4']].map((list) => {
    const { status, stdout, stderr } = loomos(...list);
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as { tokens: number; weightBytes: number };
  });
  expect(read.map(({ tokens }) => tokens)).toEqual([5, 5]);
  expect(read[1]!.weightBytes).toBeLessThan(0.3 * read[0]!.weightBytes);
});

test('generate: what cannot be is refused with exit 2, by name', () => {
  expect(loomos('generate', folder, '--temperature', 'hot')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--temperature'),
  });
  expect(loomos('generate', folder, '--top-p', '1.5')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('0 to 1'),
  });
  expect(loomos('generate', folder, '--quantize', 'int3')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('none, int8, nf4'),
  });
  const missing = loomos('generate', join(folder, 'none'));
  expect(missing).toMatchObject({ stdout: '', stderr: expect.stringContaining('no config.json') });
  expect(missing.status).not.toBe(0);
});

test('generate: f16 is for GPUs that have it, and leaves no fingerprint', () => {
  const words = ['generate', folder, '--tokens', '5', '--backend', 'cpu', '--precision'];
  expect(loomos(...words, 'f16').stdout).toBe(loomos(...words, 'f32').stdout);
  expect(loomos(...words, 'f64')).toMatchObject({ status: 2, stderr: expect.stringContaining('f32, f16') });
  const refused = loomos(...words, 'f16', '--fingerprint', join(folder, 'unwritten.json'));
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('of what f32 writes') });
});

test('check: who wrote a text, by its fingerprint', () => {
  const file = join(folder, 'fingerprint.json');
  const words = [
    'generate',
    folder,
    '--prompt',
    'Call me',
    '--tokens',
    '40',
    '--backend',
    'cpu',
    '--fingerprint',
    file,
  ];
  const wrote = loomos(...words);
  expect(wrote.status, wrote.stderr).toBe(0);
  const genuine = loomos('check', file, folder, '--backend', 'cpu', '--json');
  expect(genuine.status, genuine.stderr).toBe(0);
  expect(JSON.parse(genuine.stdout)).toMatchObject({ finding: 'genuine', tokens: 40 });
  const fingerprint = JSON.parse(readFileSync(file, 'utf8')) as { tokens: number[] };
  const tokens = fingerprint.tokens.with(20, (fingerprint.tokens[20]! + 1) % 256);
  writeFileSync(file, JSON.stringify({ ...fingerprint, tokens }));
  expect(loomos('check', file, folder, '--backend', 'cpu')).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('altered text at token 20'),
  });
  writeFileSync(file, '{}');
  expect(loomos('check', file, folder)).toMatchObject({ status: 2, stderr: expect.stringContaining('no fingerprint') });
});

test('export: an ONNX file that onnxruntime-web runs', async () => {
  const { status, stdout, stderr } = loomos('export', folder, '--format', 'onnx', '--json');
  expect(status, stderr).toBe(0);
  const { file, bytes } = JSON.parse(stdout) as { file: string; bytes: number };
  const model = readFileSync(file);
  expect([file, bytes]).toEqual([join(folder, 'model.onnx'), model.length]);
  const session = await ort.InferenceSession.create(new Uint8Array(model));
  const ids = new ort.Tensor('int64', BigInt64Array.of(67n, 97n, 108n), [1, 3]);
  expect((await session.run({ input_ids: ids }))['logits']!.dims).toEqual([1, 3, 256]);
  expect(loomos('export', folder, '--format', 'gguf')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('onnx'),
  });
});

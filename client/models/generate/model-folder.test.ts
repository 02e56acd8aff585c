import { expect, test } from 'vitest';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import type { ModelSettings } from '../../../shared/manifest/model.ts';
import { modelSchema } from '../../../shared/manifest/model.ts';
import { utf8 } from '../../../shared/bytes.ts';
import { listDecoder } from '../decoder.ts';
import type { Model } from '../model.ts';
import { openModel } from '../open-model.ts';
import type { ReadFile } from '../files/pack.ts';
import { windows } from '../sequence.ts';
import { ModelFolder } from './model-folder.ts';

const noGpu = () => Promise.resolve({ reason: 'this test asks for none' });
const options = { tokens: 12, temperature: 0.8, topK: 40, topP: 0.9, seed: 3 };

function planOf({ shape }: Model): Plan {
  const builder = new PlanBuilder();
  listDecoder(builder, shape, windows(builder, builder.input('tokens', [1, shape.context], 'u32')));
  return builder.finish();
}

/** The folder that a job of this model leaves, and the parameters in it. */
function folderOf(settings: Record<string, unknown>, changed: Record<string, Uint8Array | null> = {}) {
  const model = openModel(
    modelSchema.parse({ layers: 1, heads: 2, width: 16, context: 24, ...settings }) as ModelSettings,
    null,
  );
  const plan = planOf(model);
  const parameters = model.initialParameters(plan, 7);
  const files = new Map<string, Uint8Array | null>(
    model.files(plan, parameters).map(({ name, bytes }) => [name, bytes]),
  );
  for (const [name, bytes] of Object.entries(changed)) files.set(name, bytes);
  const read: ReadFile = async (name) => files.get(name) ?? null;
  return { read, plan, parameters };
}

const kinds = [
  { kind: 'gpt' },
  { kind: 'gpt', positions: 'rotary' },
  { kind: 'gpt', norm: 'rms' },
  { kind: 'gpt', norm: 'rms', positions: 'rotary' },
  { kind: 'llama', kvHeads: 1 },
];

test.each(kinds)('what a job leaves of %o is read back to the bit, and writes', async (settings) => {
  const { read, plan, parameters } = folderOf(settings);
  const folder = await ModelFolder.open(read, 'out/x');
  expect(folder.model.initialParameters(plan, 0)).toEqual(parameters);
  const writer = await folder.start(noGpu, { backend: 'cpu' });
  const texts: string[] = [];
  for (let i = 0; i < 2; i++) {
    let tokens = 0;
    let text = '';
    for await (const piece of writer.write('Call me', options)) {
      text += piece.text;
      tokens += piece.tokens;
    }
    expect(tokens).toBe(options.tokens);
    texts.push(text);
  }
  expect(texts[0]).toBe(texts[1]);
  writer.close();
});

test('writing ends at the end-of-text token of the config, which is no text', async () => {
  const { read } = folderOf({ kind: 'gpt' });
  const first = await (await ModelFolder.open(read, 'out/x')).start(noGpu, { backend: 'cpu' });
  const all: string[] = [];
  for await (const { text } of first.write('Call me', { ...options, temperature: 0 })) all.push(text);
  const end = all[0]!.codePointAt(0)!;
  const config = JSON.parse(new TextDecoder().decode((await read('config.json'))!)) as object;
  const changed = folderOf({ kind: 'gpt' }, { 'config.json': utf8(JSON.stringify({ ...config, eos_token_id: end })) });
  const second = await (await ModelFolder.open(changed.read, 'out/x')).start(noGpu, { backend: 'cpu' });
  const written: string[] = [];
  for await (const { text } of second.write('Call me', { ...options, temperature: 0 })) written.push(text);
  expect(end).toBeLessThan(128); // one byte, one token
  expect(written.join('')).toBe('');
});

test('a generation_config.json that is no JSON is refused by its name; one that names no end is none', async () => {
  const open = (text: string) =>
    ModelFolder.open(folderOf({ kind: 'gpt' }, { 'generation_config.json': utf8(text) }).read, 'out/x');
  await expect(open('{')).rejects.toMatchObject({
    code: 'data_unavailable',
    message: expect.stringContaining('generation_config.json'),
  });
  for (const text of ['null', '[]']) expect(await open(text)).toBeInstanceOf(ModelFolder);
});

test('a folder that is no model is refused by its name', async () => {
  await expect(ModelFolder.open(async () => null, 'out/none')).rejects.toThrow('config.json');
  const { read } = folderOf({ kind: 'gpt' }, { 'config.json': utf8('{"model_type":"bert"}') });
  await expect(ModelFolder.open(read, 'out/bert')).rejects.toMatchObject({
    where: 'out/bert',
    code: 'data_unavailable',
  });
});

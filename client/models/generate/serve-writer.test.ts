import { expect, test } from 'vitest';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import { modelSchema } from '../../../shared/manifest/model.ts';
import { listDecoder } from '../decoder.ts';
import { openModel } from '../open-model.ts';
import { windows } from '../sequence.ts';
import { WriterService } from './serve-writer.ts';
import type { Piece } from './serve-writer.ts';

const noGpu = () => Promise.resolve({ reason: 'this test asks for none' });
const breathe = () => new Promise<void>((resolve) => setTimeout(resolve));

/** The files that a job of a tiny model leaves. */
function files(): Record<string, Uint8Array> {
  const model = openModel(modelSchema.parse({ kind: 'gpt', layers: 1, heads: 2, width: 16, context: 24 }), null);
  const builder = new PlanBuilder();
  listDecoder(builder, model.shape, windows(builder, builder.input('tokens', [1, 24], 'u32')));
  const plan = builder.finish();
  return Object.fromEntries(
    model.files(plan, model.initialParameters(plan, 7)).map(({ name, bytes }) => [name, bytes]),
  );
}

async function opened(): Promise<WriterService> {
  const service = new WriterService(noGpu, breathe);
  expect(await service.open(files(), 'cpu')).toMatch(/CPU/);
  return service;
}

test('writes as many tokens as asked for, the same from the same seed', async () => {
  const service = await opened();
  const write = async (seed: number) => {
    const pieces: Piece[] = [];
    await service.write({ prompt: 'Call me', temperature: 0.8, tokens: 30 }, seed, (piece) => pieces.push(piece));
    expect(pieces.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(30);
    return pieces.map(({ text }) => text).join('');
  };
  expect(await write(1)).toBe(await write(1));
  expect(await write(1)).not.toBe(await write(2));
});

test('stops when it is told to in the middle, and writes again afterwards', async () => {
  const service = await opened();
  let tokens = 0;
  const request = { prompt: 'Call me', temperature: 1, tokens: 100_000 };
  await service.write(request, 1, (piece) => {
    tokens += piece.tokens;
    setTimeout(() => service.stop());
  });
  expect(tokens).toBeGreaterThan(0);
  expect(tokens).toBeLessThan(1000);
  let again = 0;
  await service.write({ ...request, tokens: 3 }, 1, (piece) => (again += piece.tokens));
  expect(again).toBe(3);
});

test('files that are no model are refused with what is missing', async () => {
  const { 'tokenizer.json': _, ...rest } = files();
  const service = new WriterService(noGpu, breathe);
  await expect(service.open(rest, 'cpu')).rejects.toThrow('tokenizer.json');
});

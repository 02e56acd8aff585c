import { expect, test, vi } from 'vitest';
import type { Piece, WriteRequest } from '../../models/generate/serve-writer.ts';
import { initialState, type PageState, type ShownJob } from '../state.ts';
import type { PageWriter } from './writer.ts';
import { createWriting } from './writing.ts';

const request: WriteRequest = { prompt: 'Call me', temperature: 0.8, tokens: 9 };
const loaded = () => new Promise((resolve) => setTimeout(resolve));

/** The page's side of writing: a store without rendering, and a model that writes when the test says so. */
function setUp(download = async (_: string, name: string) => new TextEncoder().encode(name)) {
  const names = ['model.safetensors', 'config.json', 'tokenizer.json', 'model.onnx', 'sample.txt'];
  const shownAs = (id: string) =>
    ({ job: { id }, artifacts: names.map((name) => ({ name, bytes: 1 })) }) as unknown as ShownJob;
  let state: PageState = { ...initialState, shown: shownAs('a') };
  const store = { get: () => state, set: (patch: Partial<PageState>) => void (state = { ...state, ...patch }) };
  const models: { files: string[]; close: ReturnType<typeof vi.fn> }[] = [];
  let say: (piece: Piece) => void = () => {};
  let end = () => {};
  const openWriter = async (files: Readonly<Record<string, Uint8Array>>): Promise<PageWriter> => {
    const close = vi.fn<() => void>();
    models.push({ files: Object.keys(files), close });
    const write = (_: WriteRequest, onPiece: (piece: Piece) => void) =>
      new Promise<void>((resolve) => {
        say = onPiece;
        end = resolve;
      });
    return { adapter: 'a device', write, stop: () => end(), close };
  };
  const writing = createWriting({ store, download, backend: 'auto', load: async () => ({ openWriter }), now: () => 0 });
  const show = (id: string) => store.set({ shown: shownAs(id) });
  return { writing, models, show, say: (piece: Piece) => say(piece), end: () => end(), state: () => state.writing! };
}

test('fetches what writing needs once, shows the text as it comes, and writes again with the same model', async () => {
  const { writing, models, say, end, state } = setUp();
  writing.write(request);
  writing.write(request); // a second press while it is busy is none
  expect(state()).toMatchObject({ phase: 'loading', jobId: 'a', asked: 9 });
  await loaded();
  say({ text: ' Ish', tokens: 4 });
  say({ text: 'mael', tokens: 4 });
  expect(state()).toMatchObject({ phase: 'writing', text: ' Ishmael', tokens: 8, adapter: 'a device' });
  end();
  await loaded();
  expect(state().phase).toBe('done');
  writing.write(request);
  await loaded();
  expect(state()).toMatchObject({ phase: 'writing', text: '' });
  expect(models.map(({ files }) => files)).toEqual([['model.safetensors', 'config.json', 'tokenizer.json']]);
});

test('another job has another model, and the former one is let go', async () => {
  const { writing, models, show, end } = setUp();
  writing.write(request);
  await loaded();
  end();
  await loaded();
  show('b');
  writing.write(request);
  await loaded();
  expect(models).toHaveLength(2);
  expect(models[0]!.close).toHaveBeenCalledTimes(1);
});

test('stop ends it, while it loads and while it writes', async () => {
  const { writing, say, state } = setUp();
  writing.write(request);
  writing.stopWriting();
  await loaded();
  expect(state()).toMatchObject({ phase: 'done', text: '' });
  writing.write(request);
  await loaded();
  say({ text: ' Ish', tokens: 4 });
  writing.stopWriting();
  await loaded();
  expect(state()).toMatchObject({ phase: 'done', text: ' Ish' });
});

test('says why a model cannot be had, and tries anew when asked again', async () => {
  let attempts = 0;
  const { writing, state } = setUp(async (_, name) => {
    if (attempts++ === 0) throw new Error('the coordinator is gone');
    return new TextEncoder().encode(name);
  });
  writing.write(request);
  await loaded();
  expect(state()).toMatchObject({ phase: 'failed', reason: 'the coordinator is gone' });
  writing.write(request);
  await loaded();
  expect(state().phase).toBe('writing');
});

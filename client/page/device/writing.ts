// Lets the shown job's model write on the visitor's device: fetches it when it is first wanted, and keeps it for the next text.

import { describeError } from '../../../shared/errors.ts';
import type { Piece, WriteRequest } from '../../models/generate/serve-writer.ts';
import type { PageState, Writing } from '../state.ts';
import type { Store } from '../store.ts';
import type { openWriter, PageWriter } from './writer.ts';

/** What a model's folder may hold that writing needs; the result of a job has more. */
const wanted = /^(model\.safetensors|config\.json|generation_config\.json|tokenizer(_config)?\.json)$/;

export interface WritingOptions {
  store: Store<PageState>;
  /** A file of a job's result. */
  download: (jobId: string, name: string) => Promise<Uint8Array<ArrayBuffer>>;
  backend: 'auto' | 'webgpu' | 'cpu';
  load: () => Promise<{ openWriter: typeof openWriter }>;
  now: () => number; // ms
}

export function createWriting({ store, download, backend, load, now }: WritingOptions) {
  let writer: { jobId: string; model: PageWriter } | null = null;
  let isStopped = false;

  const patch = (change: Partial<Writing>): void => {
    const { writing } = store.get();
    if (writing !== null) store.set({ writing: { ...writing, ...change } });
  };
  const open = async (jobId: string, names: readonly string[]): Promise<PageWriter> => {
    if (writer?.jobId === jobId) return writer.model;
    writer?.model.close();
    writer = null;
    const [{ openWriter }, ...files] = await Promise.all([
      load(),
      ...names.map(async (name) => [name, await download(jobId, name)] as const),
    ]);
    const model = await openWriter(Object.fromEntries(files), backend);
    writer = { jobId, model };
    return model;
  };
  const run = async (jobId: string, names: readonly string[], request: WriteRequest): Promise<void> => {
    try {
      const model = await open(jobId, names);
      if (isStopped) return patch({ phase: 'done' });
      const startedAt = now();
      patch({ phase: 'writing', adapter: model.adapter });
      await model.write(request, ({ text, tokens }: Piece) => {
        const { writing } = store.get();
        if (writing === null || isStopped) return;
        const written = { text: writing.text + text, tokens: writing.tokens + tokens };
        patch({ ...written, seconds: (now() - startedAt) / 1000 });
      });
      patch({ phase: 'done' });
    } catch (error) {
      writer?.model.close();
      writer = null;
      patch({ phase: 'failed', reason: describeError(error) });
    }
  };
  return {
    write(request: WriteRequest): void {
      const { shown, writing } = store.get();
      if (shown === null || isBusy(writing)) return;
      isStopped = false;
      const { prompt } = request;
      store.set({ writing: { ...nothingWritten, jobId: shown.job.id, prompt, asked: request.tokens } });
      const names = shown.artifacts.map(({ name }) => name).filter((name) => wanted.test(name));
      void run(shown.job.id, names, request);
    },
    stopWriting(): void {
      isStopped = true;
      writer?.model.stop();
    },
  };
}

const nothingWritten: Omit<Writing, 'jobId' | 'prompt' | 'asked'> = {
  phase: 'loading',
  text: '',
  tokens: 0,
  seconds: 0,
  adapter: '',
  reason: '',
};

export function isBusy(writing: Writing | null): boolean {
  return writing?.phase === 'loading' || writing?.phase === 'writing';
}

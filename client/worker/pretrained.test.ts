// Jobs that begin with a model of their owner's, end to end: a folder goes up, two workers fetch and train it, the same folder
// comes down with other numbers, and the next job goes on from those.

import { mkdtempSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { JobView } from '../../shared/api/schemas.ts';
import { utf8 } from '../../shared/bytes.ts';
import type { ReadFile } from '../models/files/pack.ts';
import { readSafetensors } from '../models/files/safetensors.ts';
import { startCoordinator } from '../node/embed/embed.ts';
import type { Embedded } from '../node/embed/embed.ts';
import { LoomOSClient } from '../sdk/client.ts';
import { startTinyWorker } from './testing/tiny-job.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

const original: ReadFile = (name) =>
  readFile(new URL(`../../test/golden/models/llama/${name}`, import.meta.url)).catch(() => null);
const text = 'Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse. ';

let coordinator: Embedded;
let client: LoomOSClient;

beforeAll(async () => {
  const data = mkdtempSync(join(tmpdir(), 'loomos-pretrained-'));
  coordinator = await startCoordinator({ data, port: 0, page: false });
  client = new LoomOSClient(coordinator);
});
afterAll(() => coordinator.close());

/** Trains a model with two workers to the job's end. */
async function train(folder: ReadFile): Promise<JobView> {
  const model = await client.uploadModel(folder, { source: 'a test' });
  const data = await client.uploadDataset(utf8(text.repeat(60)), { source: 'a test' });
  const job = await client.submitJob({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'pretrained' },
    spec: {
      algorithm: 'lm',
      model: { from: `dataset:${model.sha256}`, context: 16 },
      data: { source: `dataset:${data.sha256}` },
      optimizer: { batchSize: 4, learningRate: 0.01 },
      rounds: { innerSteps: 10 },
      resources: { workers: { min: 2, max: 2 } },
      runtime: { maxTokens: 12_000 },
    },
  });
  const workers = [startTinyWorker(coordinator), startTinyWorker(coordinator)];
  const last = await Promise.all(workers.map((worker) => worker.done));
  expect(last.map(({ phase, reason }) => [phase, reason])).toEqual(
    workers.map(() => ['finished', 'pretrained completed']),
  );
  return client.getJob(job.id);
}

const folderOf =
  (job: JobView): ReadFile =>
  (name) =>
    client.downloadArtifact(job.id, name).catch(() => null);

async function weightsOf(read: ReadFile) {
  const { tensors } = readSafetensors((await read('model.safetensors'))!);
  return tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

test('a folder is trained, comes back as the same folder with other numbers, and is trained on', async () => {
  const first = await train(original);
  const { losses } = await client.jobMetrics(first.id);
  expect(first.evaluation!.loss).toBeLessThan(losses[0]!.validationLoss! - 1);
  const trained = folderOf(first);
  const shapes = async (read: ReadFile) => (await weightsOf(read)).map(({ name, shape }) => `${name} ${shape.join()}`);
  expect(await shapes(trained)).toEqual(await shapes(original));
  expect(await weightsOf(trained)).not.toEqual(await weightsOf(original));
  const textOf = async (read: ReadFile, name: string) => new TextDecoder().decode((await read(name))!);
  expect(await textOf(trained, 'tokenizer.json')).toBe(await textOf(original, 'tokenizer.json'));
  const configs = await Promise.all([trained, original].map((read) => textOf(read, 'config.json')));
  expect(JSON.parse(configs[0]!)).toEqual(JSON.parse(configs[1]!));

  const second = await train(trained);
  const [begin] = (await client.jobMetrics(second.id)).losses;
  expect(begin!.validationLoss).toBeCloseTo(first.evaluation!.loss, 4); // both measure the whole validation part
});

test('a model that was never uploaded is refused at the field', async () => {
  const data = await client.uploadDataset(utf8(text), { source: 'a test' });
  const submitted = (from: string) =>
    client.submitJob({
      apiVersion: 'loomos.ai/v1',
      kind: 'TrainingJob',
      metadata: { name: 'pretrained' },
      spec: {
        algorithm: 'lm',
        model: { from, context: 4 },
        data: { source: `dataset:${data.sha256}` },
        runtime: { maxTokens: 12_000 },
      },
    });
  const where = 'spec.model.from';
  await expect(submitted(`dataset:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'data_unavailable', where });
  await expect(submitted('dataset:abc')).rejects.toMatchObject({ code: 'invalid_manifest', where });
  await expect(submitted('file:./my-model')).rejects.toMatchObject({ code: 'invalid_manifest', where });
});

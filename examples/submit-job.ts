// Trains a model of your own text from a program, with the SDK. Needs a coordinator with workers:
//
//   npx loomos up --workers 2
//   LOOMOS_OWNER_TOKEN=… npx node examples/submit-job.ts my.txt
//
// The token lies in .loomos/coordinator/secrets.json.

import { readFile, writeFile } from 'node:fs/promises';
import { describeError, LoomOSClient } from '../client/sdk/index.ts';

const [file = 'my.txt'] = process.argv.slice(2);
const client = new LoomOSClient({
  url: process.env['LOOMOS_COORDINATOR'] ?? 'http://127.0.0.1:8787',
  ownerToken: process.env['LOOMOS_OWNER_TOKEN'] ?? '',
});

try {
  const dataset = await client.uploadDataset(new Uint8Array(await readFile(file)), { source: file });
  const job = await client.submitJob({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'from-a-program' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', layers: 2, heads: 2, width: 32 },
      data: { source: `dataset:${dataset.sha256}` },
      optimizer: { learningRate: 2e-3 },
      runtime: { maxTokens: 200_000 },
    },
  });
  for await (const { state, round, trainLoss, workers } of client.streamJobStatus(job.id)) {
    console.log(`${state}, round ${round}, loss ${trainLoss ?? '-'}, ${workers.length} workers`);
  }
  await writeFile('model.safetensors', await client.downloadArtifact(job.id, 'model.safetensors'));
  console.log(new TextDecoder().decode(await client.downloadArtifact(job.id, 'sample.txt')));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}

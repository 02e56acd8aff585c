// What collaborating costs in loss: trains a manifest with W virtual workers in this process and prints tokens, validation
// loss and seconds. Workers take turns, so wall time is W times a real run's.
//   node test/bench/swarm/convergence.ts [MANIFEST] [--workers 1,2] [--set spec.optimizer.learningRate=0.004]…

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { readSource } from '../../../client/cli/job/source.ts';
import { manifestWith } from './manifest-with.ts';
import { runVirtualJob } from './virtual-swarm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { workers: { type: 'string', default: '1,2' }, set: { type: 'string', multiple: true, default: [] } },
});
const path = positionals[0] ?? 'examples/moby-dick.yaml';
const settings = Object.fromEntries(values.set.map((setting) => setting.split('=') as [string, string]));
const changes = Object.fromEntries(Object.entries(settings).map(([key, text]) => [key, parse(text) as unknown]));
const manifest = manifestWith(parse(readFileSync(path, 'utf8')), changes);
const data = (await readSource(manifest.spec.data.source, dirname(path)))!;
for (const workers of values.workers.split(',').map(Number)) await runJob(workers);

async function runJob(workers: number): Promise<void> {
  const startedAt = performance.now();
  const onValidation = (round: number, loss: number): void =>
    console.log(`  round ${round}  validation ${loss.toFixed(3)} before it`);
  const { tokens, payloadBytes, evaluation } = await runVirtualJob({
    manifest,
    data,
    workers,
    evaluateEvery: 10,
    onValidation,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${workers} workers, ${tokens} tokens: validation loss ${evaluation.loss.toFixed(3)} over ${evaluation.tokens} tokens ` +
      `(unigram ${evaluation.unigramLoss.toFixed(2)}, bigram ${evaluation.bigramLoss.toFixed(2)}), ` +
      `${(payloadBytes / tokens).toFixed(1)} bytes sent a token, ${seconds.toFixed(0)} s`,
  );
}

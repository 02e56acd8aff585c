// How long the aggregation rules take on one core: every worker applies one to every round.
//   node test/bench/attacks/attacks-speed.ts [WORKERS] [PARAMETERS]

import { aggregate } from '../../../shared/aggregation/aggregate.ts';
import type { Aggregation } from '../../../shared/manifest/aggregation.ts';
import { createRandom } from '../../../shared/random.ts';

const [workers, elements] = [Number(process.argv[2] ?? 25), Number(process.argv[3] ?? 220_000)];
const contributions = Array.from({ length: workers }, (_, worker) => {
  const random = createRandom(worker);
  return { difference: Float32Array.from({ length: elements }, () => random.uniform() - 0.5), tokens: 100 };
});
const ranges = Array.from({ length: 20 }, (_, k) => ({
  offset: Math.floor((k * elements) / 20),
  elements: Math.floor(elements / 20),
}));
const rules: readonly Aggregation[] = [
  'mean',
  'median',
  'trimmed-mean',
  'krum',
  'multi-krum',
  'geometric-median',
  'centered-clipping',
  { kind: 'centered-clipping', bucketSize: 2 },
  { kind: 'centered-clipping', clipTensors: true },
];
for (const rule of rules) {
  const times = [0, 1, 2].map((round) => {
    const before = process.cpuUsage();
    aggregate(rule, contributions, { round, elements, ranges });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  console.log(`${JSON.stringify(rule)}: ${Math.min(...times).toFixed(0)} ms for ${workers} x ${elements}`);
}

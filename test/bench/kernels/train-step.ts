// Tokens per second of one whole training step (forward, backward, AdamW) of the demo's GPT: 4 layers, width 64, context 64,
// batch 8. Run: node test/bench/kernels/train-step.ts [cpu|webgpu]

import { openCpu } from '../../../kernels/device/cpu.ts';
import { openDawn } from '../../../kernels/device/dawn.ts';
import type { Device } from '../../../kernels/device/device.ts';
import { createRandom } from '../../../shared/random.ts';
import { parseManifest } from '../../../shared/manifest/manifest.ts';
import { openModel } from '../../../client/models/open-model.ts';
import { lmPlans } from '../../../client/train/lm/lm-plans.ts';
import { adamwHyper } from '../../../kernels/adamw/adamw.ts';

const { spec } = parseManifest({
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'bench' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt', layers: 4, heads: 4, width: 64, context: 64, tokenizer: 'bytes' },
    data: { source: 'file:none' },
    runtime: { maxTokens: 1 },
  },
});
const tokensPerStep = spec.optimizer.batchSize * spec.model.context;
const device = await open(process.argv[2] ?? 'cpu');
const program = await device.compile(lmPlans(openModel(spec.model, null), spec.optimizer).training);

const random = createRandom(1);
program.writeParameters(Float32Array.from({ length: program.plan.parameterCount }, () => 0.02 * random.normal()));
const tokens = () => Uint32Array.from({ length: tokensPerStep }, () => random.below(256));
program.write('tokens', tokens());
program.write('targets', tokens());
const { beta1, beta2, epsilon, weightDecay } = spec.optimizer;
program.write('adamw.hyper', adamwHyper({ learningRate: 1e-3, beta1, beta2, epsilon, weightDecay, maxNorm: 1 }, 1));

const milliseconds: number[] = [];
let coreMs = 0; // processor time of all threads; steadier than the clock on a shared machine
for (let step = 0; step < (device.info.isSoftware && device.info.kind === 'webgpu' ? 8 : 60); step++) {
  const start = performance.now();
  const used = process.cpuUsage();
  await program.run();
  await program.read('loss');
  const { user, system } = process.cpuUsage(used);
  if (step > 0) coreMs += (user + system) / 1000;
  milliseconds.push(performance.now() - start);
}
milliseconds.sort((a, b) => a - b);
const median = milliseconds[Math.floor(milliseconds.length / 2)]!;
const rate = (ms: number) => Math.round((tokensPerStep / ms) * 1000).toLocaleString('en');
console.log(
  `${device.info.adapter}: ${rate(median)} tokens/s, best ${rate(milliseconds[0]!)} (median ${median.toFixed(1)} ms a step)`,
);
console.log(`${rate(coreMs / (milliseconds.length - 1))} tokens per second of one core`);
console.log(JSON.stringify(program.counters));
program.destroy();
device.destroy();

async function open(backend: string): Promise<Device> {
  if (backend === 'cpu') return openCpu();
  const opened = await openDawn();
  if ('reason' in opened) throw new Error(opened.reason);
  return opened.device;
}

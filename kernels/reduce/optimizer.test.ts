import { expect, test } from 'vitest';
import { adamw, adamwHyper } from '../adamw/adamw.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { sgd, sgdHyper } from '../sgd/sgd.ts';
import { expectClose } from '../testing/check.ts';
import { testDevices } from '../testing/devices.ts';
import { clipFactor } from './clip.ts';
import type { Optimizer } from './optimizer.ts';

/** Gradients of w and b at three steps. */
const gradients = [
  { w: [1, -2, 0.5], b: [3, 0.25] },
  { w: [0.1, 0.2, -0.3], b: [0.05, 0.4] },
  { w: [-4, 1, 2], b: [0, -1] },
];

/** Takes the three steps on every device; w decays, b does not. Returns w and b after them. */
async function threeSteps(list: (builder: PlanBuilder) => Optimizer, hyper: (step: number) => Float32Array) {
  const builder = new PlanBuilder();
  const w = builder.parameter('w', [3], { decay: true });
  const b = builder.parameter('b', [2]);
  const optimizer = list(builder);
  const plan = builder.finish();
  const results: number[][] = [];
  for (const device of await testDevices()) {
    const program = await device.compile(plan);
    program.write('w', new Float32Array([0.5, -1.25, 2]));
    program.write('b', new Float32Array([0.1, -0.3]));
    for (const [index, gradient] of gradients.entries()) {
      const flat = new Float32Array(plan.parameterCount);
      flat.set(gradient.w, w.offset);
      flat.set(gradient.b, b.offset);
      program.write('gradients', flat);
      program.write(optimizer.hyper.name, hyper(index + 1));
      await program.run();
    }
    results.push([...(await program.read('w')), ...(await program.read('b'))]);
    program.destroy();
  }
  return results;
}

// The numbers are PyTorch 1.13's (torch.optim and torch.nn.utils.clip_grad_norm_, float32 on a CPU).
const adamwOptions = { learningRate: 0.01, beta1: 0.9, epsilon: 1e-8, weightDecay: 0.1 };

test('AdamW with clipping takes the steps that PyTorch takes', async () => {
  const hyper = (step: number) => adamwHyper({ ...adamwOptions, beta2: 0.95, maxNorm: 1 }, step);
  for (const result of await threeSteps(adamw, hyper)) {
    expectClose(result, [0.4833681, -1.23223364, 1.9850117, 0.07707901, -0.32111698], 1e-6, 'AdamW');
  }
});

test('AdamW without clipping takes the steps that PyTorch takes', async () => {
  const hyper = (step: number) => adamwHyper({ ...adamwOptions, beta2: 0.999, maxNorm: 0 }, step);
  for (const result of await threeSteps(adamw, hyper)) {
    expectClose(result, [0.48592266, -1.22910023, 1.97556579, 0.07790153, -0.31733316], 1e-6, 'AdamW');
  }
});

test('plain SGD takes the steps that PyTorch takes', async () => {
  const hyper = () => sgdHyper({ learningRate: 0.01, momentum: 0, weightDecay: 0.1, maxNorm: 0 });
  for (const result of await threeSteps((builder) => sgd(builder, { momentum: false }), hyper)) {
    expectClose(result, [0.5275225, -1.23829174, 1.972013, 0.0695, -0.29650003], 1e-6, 'SGD');
  }
});

test('SGD with momentum and clipping takes the steps that PyTorch takes', async () => {
  const hyper = () => sgdHyper({ learningRate: 0.01, momentum: 0.9, weightDecay: 0.1, maxNorm: 1 });
  for (const result of await threeSteps((builder) => sgd(builder, { momentum: true }), hyper)) {
    expectClose(result, [0.4966732, -1.23461699, 1.98664594, 0.07756019, -0.30725881], 1e-6, 'SGD');
  }
});

test('a gradient below the largest norm is left alone, one above is scaled down to it', () => {
  expect(clipFactor(0.25, 1)).toBe(1);
  expect(clipFactor(16, 1) * 4).toBeCloseTo(1, 5);
  expect(clipFactor(16, 0)).toBe(1);
});

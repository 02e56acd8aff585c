// How a job's workers take their steps, each its own or all together: what an owner may write as `optimizer`.

import { z } from 'zod';

export const optimizerSchema = z.strictObject({
  // muon: momentum, orthogonalised, for the matrices of the blocks; AdamW for embeddings, norms, biases and the LM head.
  // sign: each parameter moves by the learning rate, up or down; of gradients that workers exchange (see exchange.ts), as sgd may be.
  kind: z.enum(['adamw', 'sgd', 'muon', 'sign']).default('adamw'),
  learningRate: z.number().positive().max(10).default(1e-3), // peak
  batchSize: z.int().min(1).max(4096).default(8), // windows that are in memory at once
  accumulate: z.int().min(1).max(4096).default(1), // batches whose mean gradient makes one local step
  weightDecay: z.number().min(0).max(1).default(0.1), // adamw, muon and sign, on matrices
  momentum: z.number().min(0).lt(1).default(0.95), // muon only
  beta1: z.number().min(0).lt(1).default(0.9), // beta1, beta2 and epsilon: adamw, and muon's AdamW part
  beta2: z.number().min(0).lt(1).default(0.95),
  epsilon: z.number().positive().default(1e-8),
  dropout: z.number().min(0).max(0.9).default(0), // rate, on embeddings and on what layers add to the residual stream
  gradientClip: z.number().min(0).default(1), // global norm; 0 = off
  warmup: z.number().min(0).lt(1).default(0.02), // fraction of the run with rising learning rate
  decay: z.number().min(0).lt(1).default(0.2), // last fraction of the run with falling learning rate
});

export type OptimizerSettings = z.infer<typeof optimizerSchema>;

import { expect, test } from 'vitest';
import { adamw, adamwHyper } from '../adamw/adamw.ts';
import { attend } from '../attention/attention.ts';
import { cacheAttentionKernel } from '../decode/cache.ts';
import { gelu } from '../elementwise/gelu.ts';
import { sum } from '../elementwise/sum.ts';
import { swiglu } from '../elementwise/swiglu.ts';
import { embed } from '../embedding/embedding.ts';
import { headLoss } from '../head/head-loss.ts';
import { matmul } from '../matmul/matmul.ts';
import { muon, muonHyper } from '../muon/muon.ts';
import { normHeads } from '../norm/head-norm.ts';
import { layerNorm, rmsNorm } from '../norm/norm.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { quantize } from '../quantize/format.ts';
import { quantizedMatmul } from '../quantize/quantized-matmul.ts';
import { rotaryTable, rotate } from '../rotary/rotary.ts';
import { sgd, sgdHyper } from '../sgd/sgd.ts';
import { crossEntropyKernel, noTarget } from '../softmax/cross-entropy.ts';
import { checkSpoiled } from './not-finite.ts';
import type { SpoiledCase } from './not-finite.ts';

/** Makes `y` readable and lists the gradients of all parameters. */
function differentiate(builder: PlanBuilder, y: Tensor): void {
  builder.backwardFrom([{ output: builder.readable(y), gradient: builder.input('dy', y.shape) }]);
}

/** Norm, widening product, activation, narrowing product and residual, and their gradients. */
function block(rows: number, activation: Kernel): SpoiledCase {
  const [width, inner] = [6, 5];
  const widened = activation === swiglu ? 2 * inner : inner;
  const list = (builder: PlanBuilder): void => {
    const x = builder.parameter('x', [rows, width]);
    const gain = builder.parameter('gain', [width]);
    const normed =
      activation === gelu
        ? layerNorm(builder, x, gain, builder.parameter('shift', [width]))
        : rmsNorm(builder, x, gain);
    const wide = [normed, builder.parameter('wide', [width, widened]), builder.parameter('bias', [widened])];
    const active = builder.op(activation, [builder.op(matmul, wide, { layout: 'nn' })[0]])[0];
    const narrow = builder.op(matmul, [active, builder.parameter('narrow', [width, inner])], { layout: 'nt' })[0];
    differentiate(builder, builder.op(sum, [x, narrow])[0]);
  };
  return { list, kernel: 'normProduct' };
}

function attention(headSize: number, isTurned: boolean): SpoiledCase {
  const [time, heads, kvHeads] = [5, 2, 1];
  const list = (builder: PlanBuilder): void => {
    const qkv = builder.parameter('qkv', [2 * time, (heads + 2 * kvHeads) * headSize]);
    const angles = isTurned ? rotaryTable(builder, { time, headSize }) : null;
    differentiate(builder, attend(builder, qkv, { time, heads, kvHeads, angles }));
  };
  return { list, parts: 2, kernel: 'attention' };
}

function fewRows(rows: number): SpoiledCase {
  const list = (builder: PlanBuilder): void => {
    const x = builder.input('x', [rows, 8]);
    const product = builder.op(matmul, [x, builder.input('b', [8, 12]), builder.input('bias', [12])], { layout: 'nn' });
    const out = builder.op(matmul, [builder.op(gelu, product)[0], builder.input('c', [8, 12])], { layout: 'nt' })[0];
    builder.readable(builder.op(sum, [out, x])[0]);
  };
  return { list, kernel: 'matmul' };
}

function quantizedRows(rows: number, format: 'int8' | 'nf4', layout: 'nn' | 'nt'): SpoiledCase {
  const { packed, scales } = quantize(
    Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)),
    format,
  );
  const list = (builder: PlanBuilder): void => {
    const weight = [builder.input('words', [packed.length], 'u32'), builder.input('scales', [scales.length])];
    const inputs = [builder.input('x', [rows, 8]), ...weight, builder.input('bias', [8])];
    builder.readable(builder.op(quantizedMatmul, inputs, { layout, format, rows: 8, width: 8 })[0]);
  };
  return { list, data: { words: packed, scales }, kernel: 'quantizedMatmul' };
}

/** The middle logit is of row 3, whose target is given. */
function loss(target: number): SpoiledCase {
  const list = (builder: PlanBuilder): void => {
    const [logits, targets] = [builder.parameter('logits', [7, 5]), builder.input('targets', [7], 'u32')];
    const [mean, , logsumexp] = builder.op(crossEntropyKernel, [logits, targets]) as readonly Tensor[];
    builder.readable(logsumexp!); // what a row without a target changes
    builder.backward(builder.readable(mean!));
  };
  return {
    list,
    data: { targets: Uint32Array.of(0, 1, 2, target, 4, 0, 1) },
    parts: 7,
    kernel: 'crossEntropyWithGradient',
  };
}

const head: SpoiledCase = {
  list(builder) {
    const [x, table] = [builder.parameter('x', [5, 6]), builder.parameter('table', [70, 6])];
    builder.backward(builder.readable(headLoss(builder, x, table, builder.input('targets', [5], 'u32'))));
  },
  data: { targets: Uint32Array.of(3, 1, 69, 0, 35) },
  parts: 5,
  kernel: 'headLossGradient',
};

const cached = (position: number, spoiled: string[]): SpoiledCase => ({
  list(builder) {
    const [qkv, cursor] = [builder.input('qkv', [1, 32]), builder.input('cursor', [4], 'u32')];
    const inputs = [qkv, cursor, builder.input('keys', [1, 8, 5]), builder.input('values', [5, 8])];
    const attributes = { heads: 2, kvHeads: 1, capacity: 5, scale: 0.5, atCursor: true, turns: false };
    builder.readable(builder.op(cacheAttentionKernel, inputs, attributes)[0]);
  },
  data: { cursor: Uint32Array.of(1, position, 0, 0) },
  spoiled,
  kernel: 'cacheAttention',
});

const embedding: SpoiledCase = {
  list(builder) {
    const [table, positions] = [builder.parameter('table', [5, 6]), builder.parameter('positions', [5, 6])];
    differentiate(builder, embed(builder, builder.input('tokens', [2, 5], 'u32'), table, positions));
  },
  data: { tokens: Uint32Array.of(2, 0, 2, 4, 1, 1, 1, 0, 4, 2) },
  kernel: 'embedding',
};

const headNorm: SpoiledCase = {
  list(builder) {
    const gains = [builder.parameter('query gain', [5]), builder.parameter('key gain', [5])] as const;
    const qkv = builder.parameter('qkv', [9, 20]);
    differentiate(builder, normHeads(builder, qkv, gains, { heads: 2, kvHeads: 1, epsilon: 1e-6 }));
  },
  kernel: 'headNorm',
};

function norm(builder: PlanBuilder): void {
  const [gain, shift] = [builder.parameter('gain', [7]), builder.parameter('shift', [7])];
  differentiate(builder, layerNorm(builder, builder.parameter('x', [5, 7]), gain, shift));
}

function gated(builder: PlanBuilder): void {
  differentiate(builder, builder.op(swiglu, [builder.parameter('x', [3, 14])])[0]);
}

function turned(builder: PlanBuilder): void {
  const angles = rotaryTable(builder, { time: 5, headSize: 6 });
  differentiate(builder, rotate(builder, builder.parameter('x', [10, 18]), angles, 2));
}

const step = { learningRate: 0.01, weightDecay: 0.1, momentum: 0.9 };
const moments = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };

/** Two matrices and a vector long enough that its squares are summed in parts; the gradients are spoiled. */
function optimizer(
  list: (builder: PlanBuilder) => void,
  maxNorm: number,
  variances: string,
  kernel: string,
): SpoiledCase {
  return {
    list(builder) {
      for (const [name, shape] of Object.entries({ a: [3, 5], b: [5, 3], vector: [1101] }))
        builder.parameter(name, shape, { decay: name !== 'vector' });
      list(builder);
    },
    data: {
      'adamw.hyper': adamwHyper({ ...step, ...moments, maxNorm }, 1),
      'muon.hyper': muonHyper({ ...step, maxNorm }),
      'sgd.hyper': sgdHyper({ ...step, maxNorm }),
      [variances]: new Float32Array(variances.includes('rest') ? 1152 : 1280).fill(0.5),
    },
    spoiled: ['gradients'],
    kernel,
  };
}

const optimizers = [1, 0].flatMap((maxNorm): [string, SpoiledCase][] => [
  [`AdamW, norm ${maxNorm}`, optimizer(adamw, maxNorm, 'adamw.variances', 'adamw')],
  [
    `Muon, norm ${maxNorm}`,
    optimizer((builder) => muon(builder, () => true), maxNorm, 'muon.rest.variances', 'muonStep'),
  ],
  [`SGD, norm ${maxNorm}`, optimizer((builder) => sgd(builder, { momentum: true }), maxNorm, 'unused', 'sgd')],
]);

const cases: readonly [string, SpoiledCase][] = [
  ['a block with LayerNorm and GELU', block(9, gelu)],
  ['a block with RMSNorm and SwiGLU', block(9, swiglu)],
  ['a block with LayerNorm and GELU in f16', { ...block(9, gelu), precision: 'f16' }],
  ['a block with RMSNorm and SwiGLU in f16', { ...block(9, swiglu), precision: 'f16' }],
  ['attention', attention(5, false)],
  ['attention over turned queries and keys', attention(8, true)],
  ['one row', fewRows(1)],
  ['three rows', fewRows(3)],
  ['a row of a quantized product', quantizedRows(1, 'int8', 'nt')],
  ['rows of a quantized product', quantizedRows(3, 'nf4', 'nn')],
  ['a quantized product that is unpacked', quantizedRows(11, 'nf4', 'nt')],
  ['cross-entropy', loss(2)],
  ['cross-entropy, a row without a target', loss(noTarget)],
  ['the loss of a head', head],
  ['attention over a cache', cached(3, ['keys', 'values'])],
  ['attention over a cache of one row', cached(0, ['keys'])],
  ['embedding', embedding],
  ['norm of heads', headNorm],
  ['LayerNorm', { list: norm, kernel: 'norm' }],
  ['SwiGLU', { list: gated, kernel: 'swiglu' }],
  ['rotary positions', { list: turned, kernel: 'rotary' }],
  ...optimizers,
];

test.each(cases)(
  'NaN, infinities and zero show where they do in the reference: %s',
  { timeout: 120_000 },
  (_, spoiled) => checkSpoiled(spoiled),
);

test('a tensor without elements is refused where it is declared', () => {
  const builder = new PlanBuilder();
  for (const declare of [builder.input, builder.parameter, builder.state, builder.temporary])
    expect(() => declare.call(builder, 'empty', [0, 3])).toThrow('the shape [0, 3]');
});

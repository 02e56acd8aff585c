// The settings whose loss and bytes `npm run bench:swarm` compares. All train the same GPT on the same text for the same
// tokens in all; a setting changes how the workers come together.

/** One line of the frontier. */
export interface SwarmSetting {
  readonly name: string;
  /** The bytes it aims at: so many times fewer than float32 all-reduce in every step. */
  readonly target: number;
  /** Changes to the manifest, by path. */
  readonly changes: Readonly<Record<string, unknown>>;
}

export const frontier: readonly SwarmSetting[] = [
  { name: 'int8, 8 steps', target: 30, changes: rounds(8, 'int8') },
  { name: 'sign, 3 steps', target: 100, changes: rounds(3, 'sign') },
  { name: 'top 1/64, 1 bit, 2 steps', target: 500, changes: rounds(2, topk(1 / 64), 0.5) },
  { name: 'top 1/64, 1 bit, 9 steps', target: 2_000, changes: rounds(9, topk(1 / 64), 0.5) },
  { name: 'top 1/64, 1 bit, 18 steps', target: 4_000, changes: rounds(18, topk(1 / 64), 0.5) },
  { name: 'top 1/256, 1 bit, 15 steps', target: 10_000, changes: rounds(15, topk(1 / 256), 0.5) },
];

function topk(density: number): object {
  return { kind: 'topk', density, bits: 1, errorFeedback: 0.9 };
}

function rounds(innerSteps: number, compression: unknown, outerMomentum = 0): Record<string, unknown> {
  const path = 'spec.rounds';
  return {
    [`${path}.innerSteps`]: innerSteps,
    [`${path}.compression`]: compression,
    [`${path}.outerMomentum`]: outerMomentum,
  };
}

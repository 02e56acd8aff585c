import { expect, test } from 'vitest';
import { compressionAt, compressionSchema, errorFeedbackOf } from './compression.ts';

const densities = (compression: unknown, rounds: number[]): number[] =>
  rounds.map((round) => {
    const settings = compressionAt(compressionSchema.parse(compression), round);
    if (!('density' in settings)) throw new Error('no density');
    return settings.density;
  });

test('a name stands for its settings', () => {
  expect(compressionAt('int8', 3)).toEqual({ kind: 'int8' });
  expect(compressionAt('sign', 3)).toEqual({ kind: 'topk', density: 1, bits: 1 });
  expect(compressionAt('topk', 3)).toEqual({ kind: 'topk', density: 1 / 64, bits: 1 });
  expect(compressionAt('low-rank', 3)).toEqual({ kind: 'low-rank', rank: 1, bits: 2 });
  expect(compressionAt('dct', 3)).toEqual({ kind: 'dct', density: 1 / 64, bits: 1 });
  const names = ['none', 'int8', 'sign', 'topk', 'dct', 'low-rank'];
  expect(names.map((name) => errorFeedbackOf(compressionSchema.parse(name)))).toEqual([0, 0, 1, 1, 0.999, 0.9]);
});

test('warm-up: the density falls by equal factors to its final value and stays there', () => {
  const settings = { kind: 'topk', density: 1 / 64, warmup: { rounds: 6, density: 1 } };
  const found = densities(settings, [0, 1, 2, 3, 6, 7, 1000]);
  for (const [i, expected] of [1, 1 / 2, 1 / 4, 1 / 8, 1 / 64, 1 / 64, 1 / 64].entries()) {
    expect(found[i]).toBeCloseTo(expected, 4);
  }
  expect(densities({ kind: 'topk', density: 0.5 }, [0, 9])).toEqual([0.5, 0.5]);
  expect(densities({ ...settings, kind: 'dct' }, [0, 1, 6])).toEqual(densities(settings, [0, 1, 6]));
});

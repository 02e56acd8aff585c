import { expect, test } from 'vitest';
import { average, distance, norm } from '../../../shared/aggregation/vectors.ts';
import { createRandom } from '../../../shared/random.ts';
import { attacks } from './attackers.ts';
import type { Scene } from './attackers.ts';

const elements = 400;
const honest = Array.from({ length: 20 }, (_, worker) => {
  const random = createRandom(worker);
  return Float32Array.from({ length: elements }, (_, i) => Math.sin(i) + random.normal());
});
const mean = average(honest);
const scene: Scene = {
  own: honest[0]!,
  honest,
  seen: honest,
  workers: 20,
  liars: 5,
  place: 1,
  changes: [],
  sent: [],
  random: createRandom(1),
};

function lieOf(name: string, changes: Partial<Scene> = {}): Float32Array {
  return attacks.find((attack) => attack.name === name)!.lie({ ...scene, ...changes });
}

test('every attack sends a finite vector in the first round', () => {
  for (const { lie } of attacks) expect(lie(scene).every(Number.isFinite)).toBe(true);
});

test('ALIE of 5 among 25: a quarter of a standard deviation below the mean in every coordinate', () => {
  const lie = lieOf('ALIE');
  const spread = Math.sqrt(honest.reduce((sum, vector) => sum + (vector[7]! - mean[7]!) ** 2, 0) / 20);
  expect((mean[7]! - lie[7]!) / spread).toBeCloseTo(0.2533, 3); // normal quantile of 12/20
});

test('off the centre: as far out as honest workers are, at right angles to the mean', () => {
  const lie = lieOf('off the centre');
  expect(distance(lie, mean)).toBeCloseTo(Math.sqrt(elements * 0.95), -1);
  const across = lie.reduce((sum, value, i) => sum + (value - mean[i]!) * mean[i]!, 0);
  expect(Math.abs(across) / (norm(mean) * distance(lie, mean))).toBeLessThan(1e-4);
});

test('a mimic is one worker, a copier each its own, a replay the first round', () => {
  expect(lieOf('mimic')).toEqual(honest[0]);
  expect(lieOf('copier')).toEqual(honest[1]);
  expect(lieOf('replay', { sent: [mean, honest[3]!] })).toEqual(mean);
});

test('forgeries change what they say and nothing else', () => {
  const forged = (name: string): number[] => {
    const payload = new Uint8Array(10);
    attacks.find((attack) => attack.name === name)!.forge!(payload);
    return [...payload];
  };
  expect(forged('NaN')).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 255, 255]);
  expect(forged('wrong version')).toEqual([0, 0, 99, 0, 0, 0, 0, 0, 0, 0]);
});

import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { cosineOf, inverse, scalesOf, transform } from './cosine.ts';

const lengths = Array.from({ length: 64 }, (_, i) => i + 1);

test('cosines to the last bits, in every quarter of the circle', () => {
  for (const denominator of [1, 2, 3, 7, 64, 122, 128]) {
    for (let numerator = 0; numerator <= 4 * denominator; numerator++)
      expect(Math.abs(cosineOf(numerator, denominator) - Math.cos((Math.PI * numerator) / denominator))).toBeLessThan(
        2e-15, // the argument of Math.cos is rounded, up to 4 pi
      );
  }
  expect([0, 1, 2, 3].map((numerator) => cosineOf(numerator, 2))).toEqual([1, 0, -1, 0]);
});

test.each(lengths)('length %i: the sums of the definition, for each of several vectors', (n) => {
  const lanes = 3;
  const random = createRandom(n);
  const values = Float64Array.from({ length: n * lanes }, () => random.normal());
  const [x, scratch] = [values.slice(), new Float64Array(n * lanes)];
  transform(x, scratch, n, lanes);
  for (let k = 0; k < n; k++) {
    for (let lane = 0; lane < lanes; lane++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += values[i * lanes + lane]! * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * n));
      expect(x[k * lanes + lane]).toBeCloseTo(sum, 11);
    }
  }
  for (let i = 0; i < n * lanes; i++) x[i] = x[i]! * scalesOf(n)[Math.floor(i / lanes)]! ** 2;
  inverse(x, scratch, n, lanes);
  for (let i = 0; i < n * lanes; i++) expect(x[i]).toBeCloseTo(values[i]!, 11);
});

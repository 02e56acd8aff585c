import { expect, test } from 'vitest';
import { aggregationSchema, aggregationSettings } from './aggregation.ts';

test('a name stands for its defaults, an object changes some', () => {
  const defaults = { attackers: 0.2, radius: 1, bucketSize: 1, clipTensors: false, aligned: false, workerMomentum: 0 };
  expect(aggregationSettings(aggregationSchema.parse('krum'))).toEqual({ kind: 'krum', ...defaults });
  const written = { kind: 'centered-clipping', radius: 2, bucketSize: 3, clipTensors: true };
  expect(aggregationSettings(aggregationSchema.parse(written))).toEqual({ ...defaults, ...written });
  const robust = { kind: 'centered-clipping', clipTensors: true, aligned: true };
  expect(aggregationSettings(aggregationSchema.parse('robust'))).toEqual(
    aggregationSettings(aggregationSchema.parse(robust)),
  );
});

test.each([
  [{ kind: 'mean', bucketSize: 2 }, 'bucketSize'],
  [{ kind: 'krum', radius: 2 }, 'radius'],
  [{ kind: 'geometric-median', attackers: 0.1 }, 'attackers'],
])('an option that the rule does not have is refused: %j', (written, option) => {
  const { error } = aggregationSchema.safeParse(written);
  expect(JSON.stringify(error?.issues)).toContain(`has no such option`);
  expect(JSON.stringify(error?.issues)).toContain(`"${option}"`);
});

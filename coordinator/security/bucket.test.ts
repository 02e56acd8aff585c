import { expect, test } from 'vitest';
import { take } from './bucket.ts';
import type { Bucket } from './bucket.ts';

test('a bucket allows a burst, then its rate', () => {
  const rate = { perSecond: 2, burst: 3 };
  let bucket: Bucket | null = null;
  for (let i = 0; i < 3; i++) bucket = take(bucket, rate, 0);
  expect(bucket).not.toBeNull();
  expect(take(bucket, rate, 499)).toBeNull();
  expect(take(bucket, rate, 500)).toEqual({ tokens: 0, at: 500 });
  expect(take(bucket, rate, 1_000_000)).toEqual({ tokens: 2, at: 1_000_000 });
});

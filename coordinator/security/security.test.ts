import { expect, test } from 'vitest';
import { take } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { secretsEqual } from './compare.ts';
import { randomName } from './ids.ts';
import { signToken, verifyToken } from './token.ts';
import type { WorkerClaims } from './token.ts';

const claims: WorkerClaims = { use: 'worker', sub: 'w-23456789abcd', kind: 'page', exp: 1_000 };

test('a token gives back its claims until it expires', async () => {
  const token = await signToken('secret', claims);
  expect(await verifyToken('secret', token, 999)).toEqual(claims);
  await expect(verifyToken('secret', token, 1_000)).rejects.toThrow('has expired');
  await expect(verifyToken('another', token, 999)).rejects.toMatchObject({ code: 'unauthorized' });
});

test.each(['', '.', 'a.b', 'a.b.c', '%%%.%%%', 'eyJ1c2UiOiJ3b3JrZXIifQ.'])('no token: %j', async (text) => {
  await expect(verifyToken('secret', text, 0)).rejects.toMatchObject({ code: 'unauthorized' });
});

test('changing a single character of a token voids it', async () => {
  const token = await signToken('secret', claims);
  for (let at = 0; at < token.length; at += 7) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    await expect(verifyToken('secret', changed, 0)).rejects.toMatchObject({ code: 'unauthorized' });
  }
});

test('secrets are equal when they are', () => {
  expect(secretsEqual('a', 'a')).toBe(true);
  expect(secretsEqual('a', 'b')).toBe(false);
  expect(secretsEqual('a', 'aa')).toBe(false);
});

test('names are readable and do not repeat', () => {
  const names = Array.from({ length: 1_000 }, () => randomName(12));
  expect(names.every((name) => /^[2-9a-km-z]{12}$/.test(name))).toBe(true);
  expect(new Set(names).size).toBe(1_000);
});

test('a bucket allows a burst, then its rate', () => {
  const rate = { perSecond: 2, burst: 3 };
  let bucket: Bucket | null = null;
  for (let i = 0; i < 3; i++) bucket = take(bucket, rate, 0);
  expect(bucket).not.toBeNull();
  expect(take(bucket, rate, 499)).toBeNull();
  expect(take(bucket, rate, 500)).toEqual({ tokens: 0, at: 500 });
  expect(take(bucket, rate, 1_000_000)).toEqual({ tokens: 2, at: 1_000_000 });
});

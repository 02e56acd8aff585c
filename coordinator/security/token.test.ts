import { expect, test } from 'vitest';
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

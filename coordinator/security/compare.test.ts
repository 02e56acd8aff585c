import { expect, test } from 'vitest';
import { secretsEqual } from './compare.ts';

test('secrets are equal when they are', () => {
  expect(secretsEqual('a', 'a')).toBe(true);
  expect(secretsEqual('a', 'b')).toBe(false);
  expect(secretsEqual('a', 'aa')).toBe(false);
});

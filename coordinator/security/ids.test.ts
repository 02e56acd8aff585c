import { expect, test } from 'vitest';
import { randomName } from './ids.ts';

test('names are readable and do not repeat', () => {
  const names = Array.from({ length: 1_000 }, () => randomName(12));
  expect(names.every((name) => /^[2-9a-km-z]{12}$/.test(name))).toBe(true);
  expect(new Set(names).size).toBe(1_000);
});

import { expect, test } from 'vitest';
import { parseRange } from './range.ts';

test.each([
  [null, null],
  ['bytes=0-0', { offset: 0, length: 1 }],
  ['bytes=2-', { offset: 2, length: 8 }],
  ['bytes=2-99', { offset: 2, length: 8 }],
  ['bytes=-3', { offset: 7, length: 3 }],
  ['bytes=-99', { offset: 0, length: 10 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-4', 'unsatisfiable'],
  ['bytes=0-1,3-4', null],
  ['bytes=-', null],
  ['lines=1-2', null],
])('%s of 10 bytes', (header, expected) => {
  expect(parseRange(header, 10)).toEqual(expected);
});

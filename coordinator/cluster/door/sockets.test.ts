import { expect, test } from 'vitest';
import { closeReason } from './sockets.ts';

test('why a socket closed is said in words; what the other side said comes first', () => {
  expect(closeReason(4410, 'it was asked to end')).toBe('it was asked to end');
  expect([1000, 1001, 1006, 1011].map((code) => closeReason(code, ''))).toEqual([
    'it closed its connection',
    'it closed its connection',
    'connection lost',
    'connection closed (1011)',
  ]);
});

import { expect, test } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatLoss,
  formatRate,
  formatRemaining,
  formatShare,
  shortHash,
  shortWorker,
} from './format.ts';

test('counts are grouped by thousands', () => {
  expect(formatCount(310_240)).toBe('310,240');
  expect(formatCount(7)).toBe('7');
});

test('rates keep three digits, so that they do not flicker', () => {
  expect([0, 0.123456, 41.26, 987.6, 9_843, 1_234_567].map(formatRate)).toEqual([
    '0',
    '0.123',
    '41.3',
    '988',
    '9,840',
    '1,230,000',
  ]);
});

test('bytes change their unit before they reach four digits', () => {
  expect([0, 999, 1_000, 12_345_678, 999_600, 250_000_000].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '12.3 MB',
    '1.0 MB',
    '250 MB',
  ]);
});

test('a loss that nobody measured is a dash', () => {
  expect(formatLoss(2.3456)).toBe('2.35');
  expect(formatLoss(2.3456, 3)).toBe('2.346');
  expect(formatLoss(null)).toBe('–');
});

test('a share never claims more than it is', () => {
  expect([0, 0.001, 0.29, 0.999, 1].map(formatShare)).toEqual(['0%', '<1%', '29%', '99%', '100%']);
});

test('durations have two units at most', () => {
  expect([0, 45_000, 60_000, 200_000, 3_600_000, 5_430_000].map(formatDuration)).toEqual([
    '0 s',
    '45 s',
    '1 min',
    '3 min 20 s',
    '1 h',
    '1 h 30 min',
  ]);
});

test('what is left is coarse', () => {
  expect([4_000, 31_000, 170_000, 10_800_000].map(formatRemaining)).toEqual([
    'a few seconds left',
    'about 40 s left',
    'about 3 min left',
    'about 3 h left',
  ]);
});

test('how long ago', () => {
  expect([5_000, 300_000, 7_200_000, 200_000_000].map(formatAgo)).toEqual([
    'just now',
    '5 min ago',
    '2 h ago',
    '2 days ago',
  ]);
});

test('ids and hashes are shortened from where they differ', () => {
  expect(shortHash('3f9a1c0d'.padEnd(60, '0') + 'beef')).toBe('3f9a1c0d…beef');
  expect(shortWorker('w-4f0c19ab7d2e')).toBe('4f0c19');
});

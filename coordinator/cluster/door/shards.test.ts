import { expect, test } from 'vitest';
import { createRandom } from '../../../shared/random.ts';
import { gatesFor, parseShardName, shardName, shardOf, signallingFor } from './shards.ts';

test('a job has gates from 1,001 workers on', () => {
  expect([1, 1_000, 1_001, 10_000].map(gatesFor)).toEqual([0, 0, 2, 13]);
  expect([1, 1_000, 1_001, 10_000].map(signallingFor)).toEqual([1, 1, 5, 40]);
});

test('ten thousand ids fill thirteen gates evenly, none beyond its 1,100 sockets', () => {
  const random = createRandom(1);
  const id = (): string => `w-${random.uint32().toString(36).padStart(7, '0')}${random.uint32().toString(36)}`;
  const held = Array.from({ length: 13 }, () => 0);
  for (let i = 0; i < 10_000; i++) held[shardOf(id(), 13)]! += 1;
  expect(Math.max(...held)).toBeLessThan(900);
  expect(Math.min(...held)).toBeGreaterThan(640);
});

test('a shard is named so that its object knows which it is', () => {
  const shard = { jobId: 'whale-222222', index: 3, shards: 13 };
  expect(parseShardName(shardName(shard))).toEqual(shard);
  const only = { jobId: 'whale-222222', index: 0, shards: 1 };
  expect(shardName(only)).toBe('whale-222222'); // as before there were several
  expect(parseShardName(shardName(only))).toEqual(only);
});

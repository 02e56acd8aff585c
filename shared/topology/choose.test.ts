import { expect, test } from 'vitest';
import { topologySchema, topologySettings } from '../manifest/topology.ts';
import { affordableGroup, chooseTopology } from './choose.ts';

const unknown = { payloadBytes: 0, bytesPerSecond: 0, roundMs: 0 };
const auto = topologySettings('auto');
const kindFor = (workers: number, current: 'mesh' | 'groups' | 'tree' | null = null, measured = unknown) =>
  chooseTopology(auto, { workers, ...measured }, current).kind;

test('auto: a mesh of few, groups of more, a tree of many', () => {
  expect([2, 16, 17, 256, 257, 10_000].map((workers) => kindFor(workers))).toEqual([
    'mesh',
    'mesh',
    'groups',
    'groups',
    'tree',
    'tree',
  ]);
});

test('a worker more or less does not turn the swarm over', () => {
  expect(kindFor(15, 'groups')).toBe('groups');
  expect(kindFor(12, 'groups')).toBe('mesh');
  expect(kindFor(250, 'tree')).toBe('tree');
});

test('slow links make small groups: a quarter of a round is for sending', () => {
  const slow = { payloadBytes: 1_000_000, bytesPerSecond: 1_000_000, roundMs: 20_000 };
  expect(affordableGroup({ workers: 12, ...slow })).toBe(6); // five copies in five seconds
  expect(kindFor(12, 'mesh', slow)).toBe('groups');
  expect(affordableGroup({ workers: 12, ...slow, bytesPerSecond: 1 })).toBe(4);
});

test('what an owner chose holds, but for a handful of workers', () => {
  const tree = topologySettings({ kind: 'tree', groupSize: 5 });
  expect(chooseTopology(tree, { workers: 6, ...unknown }, null)).toEqual({ kind: 'tree', groupSize: 5, branching: 8 });
  expect(chooseTopology(tree, { workers: 3, ...unknown }, null).kind).toBe('mesh');
});

test('an option that a topology does not have is refused by name', () => {
  expect(topologySchema.safeParse({ kind: 'groups', branching: 3 }).error?.issues[0]?.message).toBe(
    'groups has no such option; it has groupSize, reshuffle',
  );
  expect(topologySchema.safeParse('star').success).toBe(false);
});

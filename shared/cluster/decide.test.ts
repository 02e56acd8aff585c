import { expect, test } from 'vitest';
import { LoomError } from '../errors.ts';
import { decide, isAskedToYield } from './decide.ts';
import { fold, leaderAt, roleOf } from './fold.ts';
import { newCluster } from './types.ts';
import type { ClusterCommand, ClusterEvent, ClusterState } from './types.ts';

const leaseMs = 10_000;

/** A cluster that remembers what happened. */
function cluster() {
  let state: ClusterState = newCluster;
  const events: ClusterEvent[] = [];
  const run = (command: ClusterCommand, now: number): void => {
    const decision = decide(state, command, now);
    state = decision.state;
    events.push(...decision.events);
  };
  const beat = (
    nodeId: string,
    now: number,
    more: { session?: string; observer?: boolean; yields?: number; isHeld?: boolean } = {},
  ) => {
    const { session = 's', observer = false, yields = null, isHeld = false } = more;
    run({ type: 'heartbeat', node: { nodeId, session, observer, leaseMs }, yields, isHeld }, now);
    return roleOf(state, nodeId, now);
  };
  const leader = (now: number) => leaderAt(state, now);
  return { run, beat, leader, events, state: () => state };
}

test('the first that may lead leads, as long as it is heard of; then another, with the next fence', () => {
  const { beat, leader } = cluster();
  expect(beat('watcher', 0, { observer: true })).toBe('observer');
  expect(beat('a', 1)).toBe('leader');
  expect(beat('b', 2)).toBe('follower');
  expect(beat('a', 9000)).toBe('leader');
  expect(beat('b', 18_999)).toBe('follower');
  expect(leader(19_000)).toBeNull();
  expect(beat('b', 19_000, { isHeld: true })).toBe('follower'); // a request of a is under way
  expect(beat('b', 19_000)).toBe('leader');
  expect(beat('a', 19_001)).toBe('follower');
  expect(leader(19_002)).toMatchObject({ nodeId: 'b', fence: 2 });
});

test('who leaves gives way at once; who comes back under its name does not inherit', () => {
  const { run, beat, leader } = cluster();
  beat('a', 0);
  expect(beat('a', 1, { session: 'later' })).toBe('leader'); // by name: the earlier life still may act
  expect(leader(2)).toMatchObject({ session: 's', fence: 1 });
  run({ type: 'leave', nodeId: 'a', session: 's' }, 3);
  expect(leader(3)).toBeNull();
  expect(beat('a', 4, { session: 'later' })).toBe('leader');
  expect(leader(5)).toMatchObject({ session: 'later', fence: 2 });
});

test('a forced election: the leader yields when it has stopped, another follows, at no time two', () => {
  const { run, beat, leader, state } = cluster();
  beat('a', 0);
  beat('b', 0);
  beat('c', 0);
  run({ type: 'elect', wanted: 'c' }, 100);
  expect(isAskedToYield(state())).toBe(true);
  expect(beat('c', 200)).toBe('follower'); // a has not yielded
  expect(beat('a', 290, { yields: 0 })).toBe('leader'); // meant for an earlier time
  expect(beat('a', 300, { yields: 1 })).toBe('follower');
  expect(beat('b', 400)).toBe('follower'); // not wanted
  expect(beat('a', 500)).toBe('follower'); // not again
  expect(beat('c', 600)).toBe('leader');
  expect(leader(700)).toMatchObject({ nodeId: 'c', fence: 2 });
  expect(isAskedToYield(state())).toBe(false);
});

test('a leader that never yields is waited for no longer than its lease; a wanted one that vanished is not waited for ever', () => {
  const { run, beat } = cluster();
  beat('a', 0);
  beat('b', 0);
  beat('c', 0);
  run({ type: 'elect', wanted: 'c' }, 100);
  expect(beat('b', 10_001)).toBe('follower');
  expect(beat('b', 20_000)).toBe('leader');
});

test('an election that nobody could win is refused and changes nothing', () => {
  const { run, beat, events } = cluster();
  beat('a', 0);
  beat('watcher', 0, { observer: true });
  const before = events.length;
  expect(() => run({ type: 'elect', wanted: null }, 1)).toThrow(LoomError);
  beat('b', 2);
  expect(() => run({ type: 'elect', wanted: 'watcher' }, 3)).toThrow(expect.objectContaining({ allowed: 'b' }));
  expect(() => run({ type: 'elect', wanted: null }, 20_000)).toThrow('no other node could lead'); // b is silent
  expect(events.length).toBe(before + 1);
});

test('the state is a fold over the events', () => {
  const { run, beat, events, state } = cluster();
  beat('a', 0);
  beat('b', 5000);
  run({ type: 'elect', wanted: null }, 6000);
  beat('a', 7000, { yields: 1 });
  beat('b', 8000);
  run({ type: 'leave', nodeId: 'a', session: 's' }, 9000);
  expect(events.reduce(fold, newCluster)).toEqual(state());
});

test('nodes that fell silent are forgotten', () => {
  const { beat, state } = cluster();
  beat('a', 0);
  beat('b', 200_000);
  expect(Object.keys(state().nodes)).toEqual(['b']);
});

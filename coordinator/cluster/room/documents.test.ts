import { expect, test } from 'vitest';
import { newRoom } from '../../../shared/rounds/room.ts';
import type { OpenRound, Part, RoomState } from '../../../shared/rounds/types.ts';
import { changes, documentsOf, stateOf } from './documents.ts';
import { manifest, member } from '../testing/fixtures.ts';

test('a state cut into documents comes back whole, and a change touches few of them', () => {
  const assignment = {
    round: 0,
    slot: 0,
    seed: 1,
    steps: 1,
    learningRate: 1,
    evaluate: false,
    deadlineMs: 9,
  };
  const part: Part = {
    assignment,
    node: 0,
    commit: null,
    isAnnounced: false,
    voice: 'unheard',
    received: [],
    early: [],
  };
  const node = {
    members: ['w-b', 'w-a'],
    children: [],
    folds: false,
    inputs: null,
    dueAt: 0,
    folders: {},
    fold: null,
    isDone: false,
  };
  const members = { 'w-b': member('w-b'), 'w-a': member('w-a') };
  const open: OpenRound = {
    round: 0,
    openedAt: 1,
    givenMs: 1,
    deadlineMs: 9,
    extensions: 0,
    progressAt: 1,
    waitedMs: 0,
    noticeAt: null,
    settleAt: null,
    shareAt: null,
    revealedAt: null,
    gate: null,
    nodes: { 0: node },
    parts: { 'w-b': part, 'w-a': part },
  };
  const before: RoomState = { ...newRoom('whale-222222', manifest), members, open };
  const stored = new Map([...documentsOf(before)].map(([name, value]) => [name, JSON.stringify(value)]));
  const after = stateOf((name) => JSON.parse(stored.get(name)!) as unknown);
  expect(after).toEqual(before);
  expect(Object.keys(after.members)).toEqual(['w-b', 'w-a']);

  const received: RoomState = {
    ...before,
    open: { ...open, progressAt: 2, parts: { ...open.parts, 'w-a': { ...part, received: ['x'] } } },
  };
  const { written, deleted } = changes(documentsOf(before), documentsOf(received));
  expect([written.map(([name]) => name).toSorted(), deleted]).toEqual([['open', 'parts/w-a'], []]);
  const closed: RoomState = { ...before, open: null, members: { 'w-a': members['w-a'] } };
  expect(changes(documentsOf(before), documentsOf(closed)).deleted.toSorted()).toEqual([
    'members/w-b',
    'nodes/0',
    'parts/w-a',
    'parts/w-b',
  ]);
});

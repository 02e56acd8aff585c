import { expect, test } from 'vitest';
import type { Assignment, ClosedRound, RoomMessage } from '../../../shared/protocol/messages.ts';
import { nextStep, stepKey } from './next-step.ts';
import type { Own } from './next-step.ts';
import { see, unknownRoom } from './room-view.ts';
import type { RoomView } from './room-view.ts';

const hashOf = (round: number): string => round.toString(16).padStart(64, 'a');
const closed = (round: number, agreed = true): ClosedRound => ({
  round,
  accepted: [],
  stateHash: agreed ? hashOf(round + 1) : null,
});
const assignment = (round: number): Assignment => ({
  round,
  slot: 0,
  seed: 1,
  steps: 5,
  learningRate: 0.1,
  evaluate: false,
  deadlineMs: 0,
});
const welcome = (round: number, from = 0): RoomMessage => ({
  type: 'welcome',
  topology: 'mesh',
  version: 1,
  workerId: 'w-aaaaaaaa',
  jobId: 'job',
  round,
  stateHash: hashOf(round),
  checkpoint: from === 0 ? null : { round: from, stateHash: hashOf(from), bytes: 1 },
  log: Array.from({ length: round - from }, (_, i) => closed(from + i)),
  peers: [],
});
const after = (...messages: RoomMessage[]): RoomView => messages.reduce(see, unknownRoom);
const own = (round: number, more: Partial<Own> = {}): Own => {
  const holds = { round, stateHash: hashOf(round) };
  return { holds, reported: holds, committed: null, uploadedFence: -1, paused: false, isTraining: false, ...more };
};
const keyAfter = (messages: RoomMessage[], mine: Own): string => stepKey(nextStep(after(...messages), mine));

test('a newcomer replays the log round by round, reports, then trains', () => {
  const messages = [welcome(2)];
  expect(keyAfter([], own(0))).toBe('wait');
  expect(keyAfter(messages, own(0))).toBe('apply 0');
  expect(keyAfter(messages, own(1))).toBe('apply 1');
  expect(keyAfter(messages, own(2, { reported: null }))).toBe('report');
  expect(keyAfter(messages, own(2))).toBe('wait');
  expect(keyAfter([...messages, { type: 'assign', assignment: assignment(2) }], own(2))).toBe('train 2 1 5');
});

test('a round that closes while we train is applied at once, and its assignment is over', () => {
  const training: RoomMessage[] = [welcome(2), { type: 'assign', assignment: assignment(2) }];
  expect(keyAfter([...training, { type: 'close', closed: closed(2, false) }], own(2))).toBe('apply 2');
  expect(keyAfter([...training, { type: 'close', closed: closed(2, false) }], own(3))).toBe('wait');
});

test('a lost connection does not take the assignment away; a rewound or closed round does', () => {
  const training: RoomMessage[] = [welcome(2), { type: 'assign', assignment: assignment(2) }];
  expect(keyAfter([...training, welcome(2)], own(2))).toBe('train 2 1 5');
  expect(keyAfter([...training, welcome(2)], own(2, { reported: null }))).toBe('report');
  expect(keyAfter([...training, welcome(3)], own(3))).toBe('wait');
});

test('an assignment that comes again after our commit is answered with the commit, also when paused', () => {
  const messages: RoomMessage[] = [welcome(2), { type: 'assign', assignment: assignment(2) }];
  expect(keyAfter(messages, own(2, { committed: assignment(2) }))).toBe('recommit');
  expect(keyAfter(messages, own(2, { paused: true }))).toBe('wait');
  expect(keyAfter(messages, own(2, { committed: { ...assignment(2), seed: 9 } }))).toBe('train 2 1 5');
});

test('too far behind the log, ahead of a rewound room, or with another state: from the checkpoint', () => {
  expect(keyAfter([welcome(9, 5)], own(3))).toBe('restore 5');
  expect(keyAfter([welcome(9, 5)], own(5))).toBe('apply 5');
  expect(keyAfter([welcome(4)], own(6))).toBe('restore initial');
  const wrong = { round: 2, stateHash: 'f'.repeat(64) };
  expect(keyAfter([welcome(2)], own(2, { holds: wrong }))).toBe('restore initial');
  expect(keyAfter([welcome(4)], own(2, { holds: wrong }))).toBe('restore initial');
});

test('agreement that comes later convicts a wrong state or confirms a right one', () => {
  const undecided: RoomMessage[] = [welcome(2), { type: 'close', closed: closed(2, false) }];
  const wrong = { round: 3, stateHash: 'f'.repeat(64) };
  const agreed: RoomMessage = { type: 'agreed', round: 3, stateHash: hashOf(3) };
  expect(keyAfter(undecided, own(3, { holds: wrong, reported: wrong }))).toBe('wait');
  expect(keyAfter([...undecided, agreed], own(3, { holds: wrong, reported: wrong }))).toBe('restore initial');
  expect(keyAfter([...undecided, agreed], own(3))).toBe('wait');
});

test('a checkpoint trims the log; a slow worker goes on from it', () => {
  const checkpoint = { round: 3, stateHash: hashOf(3), bytes: 1 };
  const messages: RoomMessage[] = [welcome(4), { type: 'checkpointed', checkpoint }];
  expect(after(...messages).log.map(({ round }) => round)).toEqual([3]);
  expect(keyAfter(messages, own(1))).toBe('restore 3');
});

test('a lease is served when we hold its round, declined when that is gone, and served once', () => {
  const lease: RoomMessage = { type: 'lease', lease: { kind: 'checkpoint', fence: 7, round: 2, expiresMs: 1 } };
  expect(keyAfter([welcome(2), lease], own(2))).toBe('upload 7');
  expect(keyAfter([welcome(2), lease], own(2, { uploadedFence: 7 }))).toBe('wait');
  expect(keyAfter([welcome(2), lease, { type: 'close', closed: closed(2) }], own(3))).toBe('decline 7');
  expect(keyAfter([welcome(2), lease], own(1))).toBe('apply 1');
});

test('the end comes before everything', () => {
  const finish: RoomMessage = { type: 'finish', state: 'completed', reason: '' };
  expect(keyAfter([welcome(2), { type: 'assign', assignment: assignment(2) }, finish], own(2))).toBe('end');
  expect(keyAfter([finish], own(0))).toBe('end');
});

import { expect, test } from 'vitest';
import { newRoom } from '../../../shared/rounds/room.ts';
import type { RoomState } from '../../../shared/rounds/types.ts';
import { jobProgress } from './progress.ts';
import { manifest, member } from '../testing/fixtures.ts';

test('what people see of a room', () => {
  const members = {
    a: member('w-aaaaaaaa'),
    b: member('w-bbbbbbbb', { paused: true }),
    c: member('w-cccccccc', { present: false }),
  };
  const losses = [
    { round: 0, tokens: 100, trainLoss: 3, validationLoss: 3.1, at: 1_000 },
    { round: 1, tokens: 200, trainLoss: 2.9, validationLoss: null, at: 2_000 },
  ];
  const state: RoomState = {
    ...newRoom('whale-222222', manifest),
    phase: 'running',
    members,
    losses,
    startedAt: 0,
    tokens: 200,
    round: 2,
  };
  expect(jobProgress(state, 4_000)).toMatchObject({
    state: 'running',
    round: 2,
    tokensPerSecond: 100,
    progress: 0.4,
    trainLoss: 2.9,
    validationLoss: 3.1,
    endedAt: null,
    workersPresent: 2,
  });
  expect(jobProgress(state, 4_000).workers[0]).toEqual({
    workerId: 'w-aaaaaaaa',
    kind: 'node',
    adapter: 'x',
    present: true,
    paused: false,
    tokensPerSecond: 100,
    tokensAccepted: 5,
    roundsAccepted: 1,
    bytesSent: 7,
    bytesReceived: 8,
  });
  const evaluation = { loss: 2, tokens: 10, unigramLoss: 3, bigramLoss: 2.5 };
  const done = jobProgress({ ...state, phase: 'completed', endedAt: 5_000, evaluation }, 9_000);
  expect(done).toMatchObject({ progress: 1, etaMs: null, endedAt: 5_000, validationLoss: 2 });
});

test('of ten thousand workers those who are there and did most are listed, and the list fits a row of D1', () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `w-${String(i).padStart(12, '0')}`);
  const members = Object.fromEntries(
    ids.map((id, i) => [id, member(id, { present: i % 20 === 0, tokensAccepted: i, adapter: 'x'.repeat(200) })]),
  );
  const progress = jobProgress({ ...newRoom('whale-222222', manifest), members }, 0);
  expect(progress.workersPresent).toBe(500);
  expect(progress.tokensPerSecond).toBe(500 * 100);
  expect(progress.workers).toHaveLength(500);
  expect(progress.workers.every(({ present }) => present)).toBe(true);
  expect(progress.workers[0]!.tokensAccepted).toBe(9_980);
  expect(JSON.stringify(progress).length).toBeLessThan(500_000);
});

import { expect, test } from 'vitest';
import { newRoom } from '../../shared/rounds/room.ts';
import type { RoomState } from '../../shared/rounds/types.ts';
import { jobProgress } from './progress.ts';
import { manifest, member } from './testing/fixtures.ts';

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

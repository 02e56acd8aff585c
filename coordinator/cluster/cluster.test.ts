import { expect, test } from 'vitest';
import { LoomError } from '../../shared/errors.ts';
import { parseManifest } from '../../shared/manifest/manifest.ts';
import type { LedgerEventDraft } from '../../shared/ledger/events.ts';
import { newRoom } from '../../shared/rounds/room.ts';
import type { Member, OpenRound, Part, RoomState } from '../../shared/rounds/types.ts';
import { answer, valueOf } from './answer.ts';
import { changes, documentsOf, stateOf } from './documents.ts';
import { uploadLimits } from './limits.ts';
import { logText, refusalText } from './log-lines.ts';
import { jobProgress } from './progress.ts';

const manifest = parseManifest({
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'whale' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt' },
    data: { source: 'file:x' },
    runtime: { maxTokens: 1_000, maxDuration: '10s' },
  },
});

function member(workerId: string, change: Partial<Member> = {}): Member {
  return {
    workerId,
    peerId: 'peer',
    kind: 'node',
    adapter: 'x',
    backend: { kind: 'cpu', adapter: 'x' },
    present: true,
    paused: false,
    tokensPerSecond: 100,
    holds: null,
    resyncs: 0,
    stuck: false,
    tokensAccepted: 5,
    roundsAccepted: 1,
    traffic: { bytesSent: 7, bytesReceived: 8, peers: 1 },
    ...change,
  };
}

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

test('uploads may be as large as the model, not much larger', () => {
  const { width, layers, context } = manifest.spec.model;
  const parameters = 2 * 256 * width + context * width + layers * (12 * width ** 2 + 13 * width) + 2 * width;
  const { checkpointBytes, artifactBytes, payloadBytes } = uploadLimits(manifest);
  for (const bytes of [artifactBytes, payloadBytes]) expect(bytes).toBeGreaterThan(4 * parameters);
  expect(checkpointBytes).toBeGreaterThan(8 * parameters);
  expect(checkpointBytes).toBeLessThan(8 * parameters * 1.5 + 2 ** 21);
});

test.each<[LedgerEventDraft['type'], object, string, string]>([
  [
    'job.finished',
    { state: 'failed', reason: 'no disk', rounds: 1, tokens: 12_345 },
    'error',
    'The job is failed after 1 round and 12,345 tokens: no disk.',
  ],
  [
    'round.closed',
    { round: 3, accepted: [{}], late: ['w-x'], trainLoss: 2, validationLoss: null },
    'info',
    'Round 3 closed with 1 contribution, without w-x, training loss 2.0000.',
  ],
  [
    'round.agreed',
    { round: 3, stateHash: 'abcdefabcdefab', reports: 3, dissent: 1 },
    'info',
    'Round 3: 3 workers agreed on state abcdefabcdef, 1 did not.',
  ],
  ['worker.left', { workerId: 'w-x', reason: 'closed', round: 2 }, 'warn', 'w-x left at round 2: closed.'],
])('%s reads like a sentence', (type, data, level, text) => {
  expect(logText({ type, version: 1, subject: 'j', data } as LedgerEventDraft)).toEqual({ level, text });
});

test('refusals are logged ever more seldom', () => {
  const said = Array.from({ length: 100 }, (_, i) => i + 1).filter(
    (count) => refusalText('invalid_message', count) !== null,
  );
  expect(said).toEqual([1, 2, 4, 8, 16, 32, 64]);
});

test('a LoomError survives the way through RPC, anything else stays an exception', async () => {
  const error = new LoomError('conflict', 'no', { where: 'here', allowed: 'that' });
  const wire = JSON.parse(JSON.stringify(await answer(() => Promise.reject(error)))) as Awaited<
    ReturnType<typeof answer>
  >;
  await expect(valueOf(Promise.resolve(wire))).rejects.toEqual(error);
  expect(await valueOf(answer(() => 5))).toBe(5);
  await expect(answer(() => Promise.reject(new TypeError('defect')))).rejects.toThrow('defect');
});

test('a state cut into documents comes back whole, and a change touches few of them', () => {
  const assignment = { round: 0, slot: 0, seed: 1, steps: 1, learningRate: 1, evaluate: false, deadlineMs: 9 };
  const part: Part = { assignment, commit: null, received: [], early: [] };
  const members = { 'w-b': member('w-b'), 'w-a': member('w-a') };
  const open: OpenRound = {
    round: 0,
    openedAt: 1,
    deadlineMs: 9,
    extensions: 0,
    progressAt: 1,
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
    'parts/w-a',
    'parts/w-b',
  ]);
});

import { expect, test } from 'vitest';
import { hashOf, Stage, w1, w2, w3 } from './testing/stage.ts';

test('a job says what it waits for until enough workers hold the initial state', () => {
  const stage = new Stage({ min: 2 });
  stage.hello(w1);
  expect(stage.state).toMatchObject({
    phase: 'waiting',
    reason: 'waiting for 2 more workers (0 of 2); 1 getting ready',
  });
  stage.applied(w1, 0);
  expect(stage.state.reason).toBe('waiting for 1 more worker (1 of 2)');
  stage.hello(w2);
  expect(stage.state.open).toBeNull();
  stage.applied(w2, 0);
  expect(stage.state).toMatchObject({ phase: 'running', reason: '', round: 0, stateHash: hashOf('state 0') });
  expect(stage.recorded('job.started')).toEqual([{ workers: 2 }]);
});

test('hello is answered with everything needed to catch up', () => {
  const stage = new Stage().start(w1, w2).finishRound(0, w1, w2);
  stage.hello(w3);
  const [welcome] = stage.heard(w3, 'welcome');
  expect(welcome).toMatchObject({
    workerId: w3,
    jobId: 'j-test',
    round: 1,
    stateHash: hashOf('state 1'),
    checkpoint: null,
  });
  expect(welcome!.log).toMatchObject([
    { round: 0, stateHash: hashOf('state 1'), accepted: [{ workerId: w1 }, { workerId: w2 }] },
  ]);
  expect(welcome!.peers.map((peer) => peer.workerId)).toEqual([w1, w2, w3]);
  expect(stage.heard(w1, 'peers')[0]!.peers).toEqual(welcome!.peers);
});

test('a round walks from assignment to agreement', () => {
  const stage = new Stage().start(w1, w2);
  const [assign] = stage.heard(w2, 'assign');
  expect(assign!.assignment).toMatchObject({ round: 0, slot: 1, steps: 10, learningRate: expect.any(Number) });
  stage.commit(w1, 0);
  stage.commit(w2, 0);
  expect(stage.heard(w2, 'committed')[0]!.contributions).toMatchObject([
    { workerId: w1, hash: hashOf(`${w1} 0`) },
    { workerId: w2, hash: hashOf(`${w2} 0`) },
  ]);
  stage.received(w1, 0, w2);
  expect(stage.state.open).not.toBeNull();
  stage.received(w2, 0, w1);
  expect(stage.heard(w1, 'close')[0]!.closed).toEqual({
    round: 0,
    accepted: [w1, w2].map((workerId) => ({ workerId, hash: hashOf(`${workerId} 0`), bytes: 100, tokens: 160 })),
    stateHash: null,
  });
  expect(stage.state).toMatchObject({ round: 1, stateHash: null, tokens: 320, phase: 'running' });
  stage.applied(w1, 1);
  stage.applied(w2, 1);
  expect(stage.heard(w1, 'agreed')).toEqual([{ type: 'agreed', round: 1, stateHash: hashOf('state 1') }]);
  expect(stage.heard(w1, 'assign')[0]!.assignment.round).toBe(1);
  expect(stage.state.stateHashes).toEqual([hashOf('state 1')]);
  expect(stage.recorded('round.agreed')).toEqual([{ round: 0, stateHash: hashOf('state 1'), reports: 2, dissent: 0 }]);
});

test('losses are weighted by tokens and the evaluation belongs to the round', () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0, { loss: 4, tokens: 160, validation: { loss: 3.5, tokens: 1000 } });
  stage.commit(w2, 0, { loss: 2, tokens: 80 });
  stage.received(w1, 0, w2);
  stage.received(w2, 0, w1);
  expect(stage.state.losses).toEqual([
    { round: 0, tokens: 240, trainLoss: 10 / 3, validationLoss: 3.5, at: stage.now },
  ]);
  expect(stage.recorded('round.closed')[0]).toMatchObject({ trainLoss: 10 / 3, validationLoss: 3.5, late: [] });
});

test('a job ends at maxTokens: the model is stored by the fastest, then everyone is told', () => {
  const stage = new Stage({ runtime: { maxTokens: 320 } });
  stage.hello(w1);
  stage.hello(w2, { tokensPerSecond: 101 });
  stage.applied(w1, 0);
  stage.applied(w2, 0);
  stage.finishRound(0, w1, w2);
  expect(stage.state).toMatchObject({ phase: 'finishing', tokens: 320 });
  const [leased] = stage.heard(w2, 'lease');
  expect(leased!.lease).toMatchObject({ kind: 'artifact', round: 1 });
  const evaluation = { loss: 2, tokens: 10, unigramLoss: 3, bigramLoss: 2.4 };
  const upload = { kind: 'artifact', fence: leased!.lease.fence, bytes: 500 } as const;
  stage.say(w2, { type: 'uploaded', ...upload, round: 1, stateHash: hashOf('state 1'), evaluation });
  expect(stage.state.phase).toBe('finishing');
  stage.feed({ type: 'stored', ...upload });
  expect(stage.state).toMatchObject({ phase: 'completed', evaluation, endedAt: stage.now });
  expect(stage.heard(w1, 'finish')).toEqual([{ type: 'finish', state: 'completed', reason: '' }]);
  expect(stage.recorded('job.finished')).toEqual([{ state: 'completed', reason: '', rounds: 1, tokens: 320 }]);
});

import { expect, test } from 'vitest';
import { agreementLimitMs, maxResyncs, minAgreementGraceMs, startGraceMs } from '../limits.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

/** Round 0 is closed with the work of all; nobody has said what it leads to. */
function closed(...workerIds: string[]): Stage {
  const stage = new Stage({ min: 1 }).start(...workerIds);
  for (const id of workerIds) stage.commit(id, 0);
  for (const id of workerIds) stage.received(id, 0, ...workerIds);
  expect(stage.state.agreement).not.toBeNull();
  return stage;
}

test('the hash of the majority is agreed and dissenters start over', () => {
  const stage = closed(w1, w2, w3);
  stage.applied(w1, 1, 'wrong');
  stage.applied(w2, 1);
  stage.applied(w3, 1);
  expect(stage.state.stateHash).toBe(hashOf('state 1'));
  expect(stage.recorded('round.agreed')).toMatchObject([{ round: 0, reports: 3, dissent: 1 }]);
  expect(stage.heard(w1, 'resync')).toMatchObject([{ round: 1, stateHash: hashOf('state 1'), log: [{ round: 0 }] }]);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w2, w3]);
});

test('a tie goes to those with more accepted rounds', () => {
  const stage = new Stage({ min: 1 }).start(w1).finishRound(0, w1);
  stage.hello(w2);
  stage.applied(w2, 1);
  stage.finishRound(1, w1);
  stage.applied(w2, 2);
  stage.commit(w1, 2);
  stage.commit(w2, 2);
  stage.received(w1, 2, w2);
  stage.received(w2, 2, w1);
  stage.applied(w2, 3, 'zzz');
  stage.applied(w1, 3, 'aaa');
  expect(stage.state.stateHash).toBe(hashOf('aaa'));
});

test('a slow worker gets a grace once most agree, not more', () => {
  const stage = closed(w1, w2, w3);
  stage.applied(w1, 1);
  stage.pass(minAgreementGraceMs);
  stage.applied(w2, 1);
  expect(stage.state.agreement).not.toBeNull();
  stage.pass(minAgreementGraceMs);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w1, w2]);
  stage.applied(w3, 1);
  expect(stage.state.members[w3]!.holds).toEqual({ round: 1, stateHash: hashOf('state 1') });
});

test('without a majority, what is reported must do after a while', () => {
  const stage = closed(w1, w2, w3);
  stage.applied(w1, 1);
  stage.pass(agreementLimitMs - 1);
  expect(stage.state.agreement).not.toBeNull();
  stage.pass(1);
  expect(stage.state.stateHash).toBe(hashOf('state 1'));
});

test('the first round waits a moment for workers that get ready a little later', () => {
  const stage = new Stage({ min: 1 });
  stage.hello(w1);
  stage.hello(w2);
  stage.applied(w1, 0);
  expect(stage.state.open).toBeNull();
  stage.pass(startGraceMs);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w1]);
});

test('who reports while away still counts, and is told when it is back', () => {
  const stage = closed(w1, w2, w3);
  stage.applied(w1, 1);
  stage.applied(w2, 1);
  stage.gone(w1);
  stage.applied(w3, 1, 'wrong');
  expect(stage.state.stateHash).toBe(hashOf('state 1'));
  expect(stage.recorded('round.agreed')).toMatchObject([{ reports: 3, dissent: 1 }]);
});

test('a report for a round that is not there yet is answered with the way back', () => {
  const stage = closed(w1, w2);
  stage.applied(w1, 7);
  expect(stage.heard(w1, 'resync')).toMatchObject([{ round: 1, reason: 'the job is at round 1, not 7' }]);
});

test('an old report does not undo a newer one', () => {
  const stage = closed(w1, w2);
  stage.applied(w1, 1);
  stage.applied(w1, 0);
  expect(stage.state.members[w1]!.holds!.round).toBe(1);
});

test('a worker that replays wrongly waits for a checkpoint, and is turned away if that does not help', () => {
  const stage = closed(w1, w2, w3);
  stage.applied(w1, 1);
  stage.applied(w2, 1);
  stage.applied(w3, 1, 'wrong');
  stage.applied(w3, 1, 'wrong');
  expect(stage.heard(w3, 'resync')).toEqual([]);
  expect(stage.state.members[w3]!.stuck).toBe(true);
  stage.finishRound(1, w1, w2);
  const [leased] = [w1, w2].flatMap((id) => stage.heard(id, 'lease'));
  const upload = { kind: 'checkpoint', fence: leased!.lease.fence, bytes: 9 } as const;
  stage.feed({ type: 'stored', ...upload });
  const said = { ...upload, round: 2, stateHash: hashOf('state 2'), evaluation: null };
  stage.say(stage.state.lease!.workerId, { type: 'uploaded', ...said });
  expect(stage.heard(w3, 'resync')).toMatchObject([{ checkpoint: { round: 2 }, log: [] }]);
  for (let time = 1; time <= maxResyncs; time++) stage.applied(w3, 2, 'wrong');
  expect(stage.heard(w3, 'refused')).toMatchObject([{ code: 'forbidden' }]);
  stage.gone(w3);
  stage.hello(w3);
  expect(stage.heard(w3, 'refused')).toMatchObject([{ code: 'forbidden' }]);
});

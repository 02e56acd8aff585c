// What a room with verification does in single steps; simulator/verified.test.ts has whole jobs.

import { expect, test } from 'vitest';
import { ban } from '../../verification/court.ts';
import { unknownStanding } from '../../verification/standing.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

/** Commitments only: neither gate nor audits. */
const sealed = { gate: false, audits: 0 };

test('nobody hears of a commit before all have committed; a later one is refused', () => {
  const stage = new Stage({ verification: sealed }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.commit(w2, 0);
  stage.pass(1_000);
  expect(stage.effects.filter((effect) => effect.type === 'send' && effect.message.type === 'committed')).toEqual([]);
  stage.commit(w3, 0);
  for (const id of [w1, w2, w3]) expect(stage.heard(id, 'committed')[0]!.contributions).toHaveLength(3);
  stage.commit(w3, 0, { hash: hashOf('another one') });
  expect(stage.heard(w3, 'refused')[0]!.message).toMatch(/no more commits/);
});

test('at the deadline those who committed are shown, and the round goes on without the others', () => {
  const stage = new Stage({ verification: sealed }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.commit(w2, 0);
  stage.now = stage.state.open!.deadlineMs;
  stage.feed({ type: 'wake' });
  expect(stage.heard(w1, 'committed')[0]!.contributions.map(({ workerId }) => workerId)).toEqual([w1, w2]);
  stage.commit(w3, 0);
  expect(stage.heard(w3, 'refused')).toHaveLength(1);
  for (const id of [w1, w2, w3]) stage.received(id, 0, w1, w2);
  expect(stage.state.log[0]!.accepted.map(({ workerId }) => workerId)).toEqual([w1, w2]);
});

test('the gate asks judges for the contributions of others, and what raises the loss does not count', () => {
  const ids = [w1, w2, w3, 'w-00000004', 'w-00000005', 'w-00000006'];
  const stage = new Stage({ min: 6, verification: { gate: true, audits: 0 } }).start(...ids);
  for (const id of ids) stage.commit(id, 0);
  const asked = new Map(ids.map((id) => [id, stage.heard(id, 'measure')[0]!.contributions]));
  for (const [id, contributions] of asked) expect(contributions.every(({ workerId }) => workerId !== id)).toBe(true);
  for (const id of ids) stage.received(id, 0, ...ids);
  expect(stage.state.open).not.toBeNull(); // it waits for the judges
  for (const [id, contributions] of asked) {
    const after = contributions.map(({ hash, workerId }) => ({ hash, loss: workerId === w2 ? 3.5 : 2.9 }));
    stage.say(id, { type: 'measured', round: 0, before: 3, after });
  }
  expect(stage.state.log[0]!.accepted.map(({ workerId }) => workerId)).toEqual(ids.filter((id) => id !== w2));
  expect(stage.recorded('contribution.refused')).toMatchObject([{ workerId: w2, finding: 'harmful', round: 0 }]);
});

test('a banned worker is told why, at once and whenever it comes back', () => {
  const stage = new Stage({ verification: sealed }).start(w1, w2, w3);
  const reason = 'it sent a payload that does not decode to finite numbers';
  stage.state = { ...stage.state, court: ban(stage.state.court, w3, reason) };
  stage.gone(w3);
  stage.hello(w3);
  expect(stage.heard(w3, 'refused')).toMatchObject([{ code: 'forbidden', message: expect.stringContaining(reason) }]);
  expect(stage.state.members[w3]!.present).toBe(false);
});

test('newcomers that agree on a wrong state do not outvote workers that audits found right', () => {
  const trusted = { ...unknownStanding, valid: 10 };
  const stage = new Stage({ min: 1, verification: sealed }).start(w1, w2, w3);
  stage.state = { ...stage.state, court: { ...stage.state.court, standings: { [w1]: trusted } } };
  for (const id of [w1, w2, w3]) stage.commit(id, 0);
  for (const id of [w1, w2, w3]) stage.received(id, 0, w1, w2, w3);
  stage.applied(w2, 1, 'a lie');
  stage.applied(w3, 1, 'a lie');
  expect(stage.state.stateHash).toBeNull();
  stage.applied(w1, 1);
  expect(stage.state.stateHash).toBe(hashOf('state 1'));
  expect(stage.state.members[w2]!.holds).toBeNull();
});

test('the log is forgotten only when a second worker has found the agreed state in the checkpoint', () => {
  for (const isTrue of [true, false]) {
    const stage = new Stage({ runtime: { checkpointInterval: '10s' }, verification: sealed }).start(w1, w2);
    stage.pass(10_000);
    stage.finishRound(0, w1, w2);
    const { fence, workerId, round, kind } = stage.state.lease!;
    const other = workerId === w1 ? w2 : w1;
    stage.say(workerId, {
      type: 'uploaded',
      kind,
      fence,
      round,
      stateHash: hashOf('state 1'),
      bytes: 5,
      evaluation: null,
    });
    stage.feed({ type: 'stored', kind, fence, bytes: 5 });
    expect(stage.heard(other, 'confirm')).toEqual([{ type: 'confirm', fence, round }]);
    stage.say(workerId, { type: 'confirmed', fence, stateHash: hashOf('state 1') }); // its own word is not enough
    expect(stage.state.checkpoint).toBeNull();
    stage.say(other, { type: 'confirmed', fence, stateHash: isTrue ? hashOf('state 1') : null });
    expect(stage.state.checkpoint === null).toBe(!isTrue);
    expect(stage.state.log).toHaveLength(isTrue ? 0 : 1);
    expect(stage.recorded('checkpoint.refused')).toHaveLength(isTrue ? 0 : 1);
  }
});

test('a round that waits in vain for a commit gives the rounds after it no more time', () => {
  const stage = new Stage({ verification: sealed }).start(w1, w2, w3);
  stage.pass(2_000);
  for (const id of [w1, w2]) stage.commit(id, 0);
  stage.pass(stage.state.open!.deadlineMs - stage.now);
  stage.pass(1_000);
  for (const id of [w1, w2, w3]) stage.received(id, 0, w1, w2);
  stage.pass(stage.state.open === null ? 0 : stage.state.open.deadlineMs - stage.now);
  expect(stage.state.recentRoundMs).toEqual([3_000]);
});

test('who commits when no more commits are taken is awake: what only its author has is not safe from it', () => {
  const stage = new Stage({ min: 1, verification: sealed }).start(w1, w2);
  stage.commit(w1, 0);
  stage.pass(stage.state.open!.deadlineMs - stage.now);
  stage.commit(w2, 0);
  expect(stage.heard(w2, 'refused')).toHaveLength(1);
  stage.pass(stage.state.open!.deadlineMs - stage.now);
  expect(stage.state.log).toEqual([]);
});

import { expect, test } from 'vitest';
import { protocolVersion } from '../../protocol/messages.ts';
import { rejoinMs } from '../limits.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

test('who speaks before hello is sent away', () => {
  const stage = new Stage();
  const effects = stage.applied(w1, 0);
  expect(stage.heard(w1, 'refused')).toMatchObject([{ code: 'unauthorized', allowed: 'hello' }]);
  expect(effects).toContainEqual({ type: 'disconnect', workerId: w1, reason: 'say hello first' });
});

test('another protocol version is refused by name', () => {
  const stage = new Stage();
  stage.hello(w1, { version: protocolVersion + 1 });
  expect(stage.heard(w1, 'refused')).toMatchObject([
    { code: 'unsupported_version', allowed: `1 to ${protocolVersion}` },
  ]);
  expect(stage.state.members).toEqual({});
  expect(stage.state.refused).toEqual({ unsupported_version: 1 });
});

test('what was refused at the door is counted', () => {
  const stage = new Stage();
  stage.feed({ type: 'refused', code: 'invalid_message' });
  stage.feed({ type: 'refused', code: 'invalid_message' });
  expect(stage.state.refused).toEqual({ invalid_message: 2 });
});

test('a late joiner catches up and takes part from the next round on', () => {
  const stage = new Stage().start(w1, w2);
  stage.hello(w3);
  stage.applied(w3, 0);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w1, w2]);
  stage.finishRound(0, w1, w2);
  expect(stage.state.open).toBeNull(); // w3 held the state: it is waited for
  stage.applied(w3, 1);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w1, w2, w3]);
});

test('beyond max workers are a reserve that takes over when someone leaves', () => {
  const stage = new Stage({ min: 1, max: 2 }).start(w1, w2, w3);
  stage.gone(w1);
  stage.finishRound(0, w2);
  stage.applied(w3, 1);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w2, w3]);
});

test('a lost connection costs nothing if the worker comes back in time', () => {
  const stage = new Stage({ min: 3 }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.gone(w2);
  stage.hello(w2, { holds: { round: 0, stateHash: hashOf('state 0') } });
  expect(stage.heard(w2, 'committed')).toMatchObject([{ round: 0, contributions: [{ workerId: w1 }] }]);
  expect(stage.heard(w2, 'assign')).toMatchObject([{ assignment: { round: 0, slot: 1 } }]);
  expect(stage.recorded('worker.left')).toHaveLength(1);
  expect(stage.recorded('worker.joined')).toHaveLength(4);
});

test('a worker that comes back empty catches up first, and trains again what it lost', () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0);
  stage.gone(w1);
  stage.hello(w1);
  expect(stage.heard(w1, 'assign')).toEqual([]);
  stage.applied(w1, 0);
  expect(stage.heard(w1, 'assign')).toMatchObject([{ assignment: { round: 0, slot: 0 } }]);
  expect(stage.state.open!.parts[w1]!.commit).toBeNull();
});

test('who leaves for good is not waited for, even if it comes back', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  stage.say(w2, { type: 'leave', reason: 'closed the page' });
  expect(stage.state.members[w2]).toMatchObject({ present: false, leftBecause: 'closed the page' });
  stage.hello(w2, { holds: { round: 0, stateHash: hashOf('state 0') } });
  expect(stage.heard(w2, 'assign')).toEqual([]);
  stage.finishRound(0, w1);
  expect(stage.recorded('worker.left')).toMatchObject([{ workerId: w2, reason: 'closed the page' }]);
  expect(stage.state.log).toHaveLength(1);
});

test('a paused worker is not waited for; resuming brings its work back', () => {
  const stage = new Stage().start(w1, w2);
  stage.say(w2, { type: 'pause' });
  stage.say(w2, { type: 'resume' });
  expect(stage.heard(w2, 'assign')).toMatchObject([{ assignment: { round: 0 } }]);
  stage.say(w2, { type: 'pause' });
  stage.commit(w1, 0);
  expect(stage.state.log).toHaveLength(1);
  stage.applied(w1, 1);
  expect(stage.state).toMatchObject({ phase: 'waiting', reason: 'waiting for 1 more worker (1 of 2); 1 paused' });
});

test('without workers a round is given up at its deadline and opens again when they are back', () => {
  const stage = new Stage().start(w1, w2);
  stage.gone(w1);
  stage.gone(w2);
  expect(stage.state.open).not.toBeNull();
  stage.pass(1e6);
  expect(stage.state).toMatchObject({
    open: null,
    phase: 'waiting',
    attempts: 0,
    reason: 'waiting for 2 more workers (0 of 2)',
  });
  for (const id of [w1, w2]) stage.hello(id, { holds: { round: 0, stateHash: hashOf('state 0') } });
  expect(stage.state).toMatchObject({ phase: 'running', open: { round: 0 } });
});

test('others begin a round anew at once when all who were in it are gone', () => {
  const stage = new Stage({ min: 1, max: 1 }).start(w1, w2);
  stage.gone(w1);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w2]);
});

test('after a restart the round waits for those who were there, and goes on with its commits', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  stage.commit(w1, 0);
  stage.feed({ type: 'restarted' });
  expect(stage.state).toMatchObject({
    phase: 'waiting',
    reason: 'the coordinator restarted; waiting for 2 workers to come back',
  });
  stage.hello(w1, { holds: { round: 0, stateHash: hashOf('state 0') } });
  expect(stage.state.open).toMatchObject({ round: 0, parts: { [w1]: { commit: { hash: hashOf(`${w1} 0`) } } } });
  expect(stage.heard(w1, 'assign')).toEqual([]);
  stage.hello(w2, { holds: { round: 0, stateHash: hashOf('state 0') } });
  expect(stage.heard(w2, 'assign')).toMatchObject([{ assignment: { round: 0 } }]);
  expect(stage.state.rejoining).toBeNull();
  expect(stage.recorded('worker.joined')).toHaveLength(2);
  expect(stage.recorded('worker.left')).toEqual([]);
});

test('when a gate died only its workers are waited for', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  stage.commit(w1, 0);
  stage.commit(w2, 0);
  stage.feed({ type: 'restarted', workers: [w2, w3] });
  expect(stage.state.members).toMatchObject({ [w1]: { present: true }, [w2]: { present: false } });
  expect(stage.state.rejoining?.workers).toEqual([w2]);
  stage.hello(w2, { holds: { round: 0, stateHash: hashOf('state 0') } });
  expect(stage.state).toMatchObject({ phase: 'running', rejoining: null, open: { round: 0 } });
  expect(stage.recorded('worker.left')).toEqual([]);
});

test('a gate that dies while a restart is waited out adds its workers to those that are awaited', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  stage.feed({ type: 'restarted', workers: [w1] });
  stage.feed({ type: 'restarted', workers: [w2] });
  expect(stage.state.rejoining?.workers).toEqual([w1, w2]);
});

test('whoever does not come back after a restart has left', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  stage.commit(w1, 0);
  stage.feed({ type: 'restarted' });
  stage.feed({ type: 'restarted' });
  stage.hello(w1, { holds: { round: 0, stateHash: hashOf('state 0') } });
  stage.pass(rejoinMs);
  expect(stage.recorded('worker.left')).toMatchObject([{ workerId: w2 }]);
  expect(stage.state.log).toHaveLength(1);
});

test('a state survives JSON in the middle of a round', () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0);
  expect(JSON.parse(JSON.stringify(stage.state))).toEqual(stage.state);
});

test('visitors that never contributed are forgotten, contributors are not', () => {
  const stage = new Stage({ min: 1 }).start(w1);
  stage.hello(w2);
  stage.gone(w2);
  stage.finishRound(0, w1);
  stage.gone(w1);
  stage.hello(w3);
  stage.applied(w3, 1);
  expect(Object.keys(stage.state.members)).toEqual([w1, w3]);
});

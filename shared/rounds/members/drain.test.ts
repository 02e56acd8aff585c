import { expect, test } from 'vitest';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

const drain = { type: 'drain', reason: 'its machine is wanted' } as const;

test('a worker that drains finishes its part, gets no further one, and goes when others hold the state', () => {
  const stage = new Stage().start(w1, w2, w3);
  stage.say(w3, drain);
  expect(stage.heard(w3, 'released')).toEqual([]);
  stage.finishRound(0, w1, w2, w3);
  expect(stage.recorded('round.closed')).toMatchObject([{ late: [], accepted: [{}, {}, {}] }]);
  expect(stage.heard(w3, 'released')).toHaveLength(1);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w1, w2]);
  stage.say(w3, { type: 'leave', reason: drain.reason });
  expect(stage.recorded('worker.left')).toMatchObject([{ workerId: w3, reason: drain.reason }]);
});

test('between rounds it may go at once, and with nothing trained', () => {
  const stage = new Stage({ min: 3 });
  for (const id of [w1, w2]) {
    stage.hello(id);
    stage.applied(id, 0);
  }
  stage.say(w1, drain);
  expect(stage.heard(w1, 'released')).toHaveLength(1);
});

test('the last ones that hold the state store it before they go', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  for (const id of [w1, w2]) stage.say(id, drain);
  stage.finishRound(0, w1, w2);
  expect(stage.state.open).toBeNull();
  expect([...stage.heard(w1, 'released'), ...stage.heard(w2, 'released')]).toEqual([]);
  const { workerId, fence, kind, round } = stage.state.lease!;
  const said = { kind, fence, round, stateHash: hashOf('state 1'), bytes: 500 };
  stage.say(workerId, { type: 'uploaded', ...said, evaluation: null });
  stage.feed({ type: 'stored', kind, fence, bytes: 500 });
  expect(stage.state.checkpoint).toMatchObject({ round: 1 });
  expect([w1, w2].map((id) => stage.heard(id, 'released').length)).toEqual([1, 1]);
});

test('who connects anew has changed its mind unless it says so again', () => {
  const stage = new Stage().start(w1, w2, w3);
  stage.say(w3, drain);
  stage.hello(w3, { holds: stage.state.members[w3]!.holds });
  stage.finishRound(0, w1, w2, w3);
  expect(stage.heard(w3, 'released')).toEqual([]);
  stage.say(w3, drain);
  stage.finishRound(1, w1, w2, w3);
  expect(stage.heard(w3, 'released')).toHaveLength(1);
});

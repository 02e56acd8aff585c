import { expect, test } from 'vitest';
import { maxExtensions } from '../limits.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

function accepted(stage: Stage): string[] {
  return stage.state.log.at(-1)!.accepted.map(({ workerId }) => workerId);
}

function untilDeadline(stage: Stage): void {
  stage.pass(stage.state.open!.deadlineMs - stage.now);
}

test('a round closes at its deadline with what a quorum has', () => {
  const stage = new Stage({ min: 3 }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.commit(w2, 0);
  stage.received(w1, 0, w2);
  stage.received(w3, 0, w1, w2);
  untilDeadline(stage);
  expect(accepted(stage)).toEqual([w1, w2]);
  expect(stage.recorded('round.closed')).toMatchObject([{ round: 0, late: [w3] }]);
});

test('below the quorum the deadline moves a few times, then what is there must do', () => {
  const stage = new Stage({ min: 3 }).start(w1, w2, w3);
  stage.commit(w1, 0);
  for (const id of [w2, w3]) stage.received(id, 0, w1);
  for (let extension = 1; extension <= maxExtensions; extension++) {
    untilDeadline(stage);
    expect(stage.state.open).toMatchObject({ round: 0, extensions: extension });
  }
  untilDeadline(stage);
  expect(accepted(stage)).toEqual([w1]);
});

test('a round without any work opens again, with more time and a reason', () => {
  const stage = new Stage().start(w1, w2);
  const givenMs = stage.state.open!.deadlineMs - stage.now;
  for (let deadline = 0; deadline <= maxExtensions; deadline++) untilDeadline(stage);
  expect(stage.state).toMatchObject({ round: 0, attempts: 1, phase: 'running', open: { round: 0, extensions: 0 } });
  expect(stage.state.reason).toBe('no work for round 0 came in time; trying again (attempt 2)');
  expect(stage.heard(w1, 'assign')).toHaveLength(1);
  expect(stage.state.open!.deadlineMs - stage.now).toBe(2 * givenMs);
});

test('a contribution that only its author has is not accepted', () => {
  const stage = new Stage({ min: 3 }).start(w1, w2, w3);
  for (const id of [w1, w2, w3]) stage.commit(id, 0);
  stage.received(w2, 0, w1);
  stage.received(w1, 0, w2);
  untilDeadline(stage);
  expect(accepted(stage)).toEqual([w1, w2]);
  expect(stage.recorded('round.closed')).toMatchObject([{ late: [w3] }]);
});

test('a worker that leaves is dropped at once, its safe contribution is not', () => {
  const stage = new Stage({ min: 3 }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.received(w2, 0, w1);
  stage.received(w3, 0, w1);
  stage.gone(w1);
  stage.commit(w2, 0);
  stage.received(w3, 0, w2);
  expect(stage.state.open).not.toBeNull();
  stage.gone(w3);
  expect(accepted(stage)).toEqual([w1, w2]);
});

test('nobody waits for the payload of a worker that took it along', () => {
  const stage = new Stage({ min: 3 }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.gone(w1);
  stage.commit(w2, 0);
  stage.commit(w3, 0);
  stage.received(w2, 0, w3);
  stage.received(w3, 0, w2);
  expect(accepted(stage)).toEqual([w2, w3]);
  expect(stage.recorded('round.closed')).toMatchObject([{ late: [w1] }]);
});

test('alone, the author is enough', () => {
  const stage = new Stage({ min: 1 }).start(w1);
  stage.commit(w1, 0);
  expect(accepted(stage)).toEqual([w1]);
});

test('contributions are applied in the order of slots, whoever was first', () => {
  const stage = new Stage().start(w2, w1).finishRound(0, w1, w2);
  expect(accepted(stage)).toEqual([w2, w1]);
});

test('a payload may arrive before the room hears of it', () => {
  const stage = new Stage().start(w1, w2);
  stage.received(w2, 0, w1);
  stage.commit(w2, 0);
  stage.received(w1, 0, w2);
  stage.commit(w1, 0);
  expect(accepted(stage)).toEqual([w1, w2]);
});

test('messages that come twice change nothing', () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0);
  const once = stage.state;
  stage.commit(w1, 0);
  stage.received(w1, 0, w1);
  expect(stage.state.open).toEqual(once.open);
  stage.received(w2, 0, w1);
  stage.received(w2, 0, w1, w1);
  expect(stage.state.open!.parts[w2]!.received).toEqual([hashOf(`${w1} 0`)]);
});

test('messages for closed rounds are ignored, for rounds to come refused', () => {
  const stage = new Stage().start(w1, w2).finishRound(0, w1, w2);
  const before = stage.state;
  stage.commit(w1, 0, { hash: hashOf('late') });
  stage.received(w1, 0, w2);
  expect(stage.state.open).toEqual(before.open);
  expect(stage.heard(w1, 'refused')).toEqual([]);
  stage.commit(w1, 2);
  expect(stage.heard(w1, 'refused')).toMatchObject([{ code: 'conflict' }]);
  expect(stage.state.refused).toEqual({ conflict: 1 });
});

test.each([
  ['more tokens than were asked for', { tokens: 161 }, 'tokens'],
  ['no tokens', { tokens: 0 }, 'tokens'],
  ['an empty payload', { bytes: 0 }, 'bytes'],
  ['a payload over the limit', { bytes: 2 ** 31 }, 'bytes'],
])('a commit with %s is refused', (_, details, where) => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0, details);
  expect(stage.heard(w1, 'refused')).toMatchObject([{ code: 'invalid_message', where }]);
  expect(stage.state.open!.parts[w1]!.commit).toBeNull();
});

test("another worker's payload cannot be committed as one's own", () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0);
  stage.commit(w2, 0, { hash: hashOf(`${w1} 0`) });
  expect(stage.heard(w2, 'refused')).toMatchObject([{ code: 'conflict' }]);
  expect(stage.state.open!.parts[w2]!.commit).toBeNull();
});

test('a second commit replaces the first only while nobody else has that', () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0);
  stage.commit(w1, 0, { hash: hashOf('again') });
  expect(stage.state.open!.parts[w1]).toMatchObject({ commit: { hash: hashOf('again') }, received: [hashOf('again')] });
  stage.say(w2, { type: 'received', round: 0, hashes: [hashOf('again')] });
  stage.commit(w1, 0, { hash: hashOf('once more') });
  expect(stage.heard(w1, 'refused')).toMatchObject([{ code: 'conflict' }]);
  expect(stage.state.open!.parts[w1]!.commit!.hash).toBe(hashOf('again'));
});

test('who was late is given less to do', () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0);
  stage.received(w2, 0, w1);
  untilDeadline(stage);
  stage.applied(w1, 1);
  stage.applied(w2, 1);
  const steps = stage.heard(w2, 'assign').concat(stage.heard(w1, 'assign'));
  expect(steps.map(({ assignment }) => assignment.steps)).toEqual([5, 10]);
});

test('work that is safe is kept when its round waits for nobody and others can go on', () => {
  const stage = new Stage({ min: 1, max: 2 }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.received(w2, 0, w1);
  stage.say(w1, { type: 'pause' });
  expect(stage.state.open).not.toBeNull();
  stage.say(w2, { type: 'pause' });
  expect(accepted(stage)).toEqual([w1]);
});

test('a partner whose socket is open but who is asleep does not hold up the other, not even in the first round', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  const startedAt = stage.now;
  stage.pass(1_600); // as the measured speeds tell
  stage.commit(w1, 0);
  untilDeadline(stage);
  expect(accepted(stage)).toEqual([w1]);
  expect(stage.now - startedAt).toBeLessThan(25_000);
  stage.applied(w1, 1);
  expect(stage.state).toMatchObject({ round: 1, agreement: null, open: { round: 1 } });
  expect(Object.keys(stage.state.open!.parts)).toEqual([w1]);
});

test('after some rounds it is waited for only as long as those took, give or take', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  for (let round = 0; round < 4; round++) {
    stage.pass(2_000);
    stage.finishRound(round, w1, w2);
  }
  const openedAt = stage.now;
  stage.pass(2_000);
  stage.commit(w1, 4);
  untilDeadline(stage);
  expect(accepted(stage)).toEqual([w1]);
  expect(stage.now - openedAt).toBeLessThan(6_000);
  stage.applied(w1, 5);
  expect(stage.state.open).toMatchObject({ round: 5 });
});

test('a slow partner that hears of the work of others is no sleeper: what only its author has waits for it', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2);
  stage.commit(w1, 0);
  stage.received(w2, 0, w1);
  stage.commit(w2, 0);
  untilDeadline(stage);
  expect(accepted(stage)).toEqual([w1]); // w2's own payload has reached nobody
});

test('where gradients are exchanged the close says the learning rate that all were given; elsewhere nothing of it', () => {
  const gradients = { optimizer: { kind: 'sign', learningRate: 0.5, warmup: 0 }, rounds: { exchange: 'gradients' } };
  const stage = new Stage({ ...gradients, runtime: { maxTokens: 1300 } }).start(w1, w2);
  const rates: (number | undefined)[] = [];
  for (let round = 0; round < 4; round++) {
    const given = Object.values(stage.state.open!.parts).map(({ assignment }) => assignment.learningRate);
    stage.finishRound(round, w1, w2);
    const { learningRate } = stage.state.log.at(-1)!;
    expect(given).toEqual([learningRate, learningRate]);
    expect(stage.recorded('round.closed').at(-1)).toMatchObject({ learningRate });
    rates.push(learningRate);
  }
  expect(rates[0]).toBe(0.5);
  expect(new Set(rates).size).toBeGreaterThan(1); // it falls at the end
  stage.hello(w3);
  expect(stage.heard(w3, 'welcome')[0]!.log.map(({ learningRate }) => learningRate)).toEqual(rates);
  expect(new Stage().start(w1, w2).finishRound(0, w1, w2).state.log[0]).not.toHaveProperty('learningRate');
});

test('so is one that says what it lacks, or whose work is refused', () => {
  const stage = new Stage({ min: 1 }).start(w1, w2).finishRound(0, w1, w2);
  stage.commit(w1, 1);
  stage.say(w2, { type: 'missing', round: 1, hashes: [hashOf(`${w1} 1`)] });
  untilDeadline(stage);
  expect(stage.state.open?.parts[w2]?.voice).toBe('heard');
  expect(stage.state.log).toHaveLength(1); // round 1 is open still
  stage.received(w2, 1, w1);
  stage.commit(w2, 1, { hash: hashOf(`${w2} 0`) });
  expect(stage.heard(w2, 'refused')).toMatchObject([{ message: 'this payload was accepted in an earlier round' }]);
});

test('a worker that cannot be given less to do moves no deadlines, however often it is late', () => {
  const stage = new Stage().start(w1, w2);
  for (let round = 0; round < 12; round++) {
    stage.pass(1_600);
    stage.commit(w1, round);
    stage.received(w2, round, w1);
    untilDeadline(stage);
    for (const id of [w1, w2]) stage.applied(id, round + 1);
  }
  expect(stage.state.open!.parts[w2]!.assignment.steps).toBe(1);
  expect(stage.state.open!.givenMs).toBeLessThan(10_000);
});

import { expect, test } from 'vitest';
import { maxExtensions } from '../limits.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

function assignments(stage: Stage, ...ids: string[]) {
  return ids.map((id) => stage.state.open!.parts[id]!.assignment);
}

test('steps follow speed, and seeds differ between slots and rounds', () => {
  const stage = new Stage({ min: 3 });
  [w1, w2, w3].forEach((id, index) => stage.hello(id, { tokensPerSecond: [100, 52, 3][index]! }));
  for (const id of [w1, w2, w3]) stage.applied(id, 0);
  const first = assignments(stage, w1, w2, w3);
  expect(first.map(({ steps }) => steps)).toEqual([10, 5, 1]);
  expect(first.map(({ slot }) => slot)).toEqual([0, 1, 2]);
  stage.commit(w1, 0, { tokens: 160 });
  stage.commit(w2, 0, { tokens: 80 });
  stage.commit(w3, 0, { tokens: 16 });
  for (const id of [w1, w2, w3]) stage.received(id, 0, w1, w2, w3);
  for (const id of [w1, w2, w3]) stage.applied(id, 1);
  const second = assignments(stage, w1, w2, w3);
  expect(new Set([...first, ...second].map(({ seed }) => seed)).size).toBe(6);
});

test('measured speed replaces what was promised', () => {
  const stage = new Stage().start(w1, w2);
  stage.commit(w1, 0, { seconds: 1.6 }); // 100 tokens a second, as said
  stage.commit(w2, 0, { seconds: 16 }); // 10, so (100 + 10) / 2
  stage.received(w1, 0, w2);
  stage.received(w2, 0, w1);
  stage.applied(w1, 1);
  stage.applied(w2, 1);
  expect(assignments(stage, w1, w2).map(({ steps }) => steps)).toEqual([10, 6]);
});

test('an unknown speed is taken for a typical one', () => {
  const stage = new Stage({ min: 2 });
  stage.hello(w1, { tokensPerSecond: 0 });
  stage.hello(w2, { tokensPerSecond: 50 });
  stage.applied(w1, 0);
  stage.applied(w2, 0);
  expect(assignments(stage, w1, w2).map(({ steps }) => steps)).toEqual([10, 10]);
});

test('the last rounds shrink so that maxTokens is met and never exceeded', () => {
  const stage = new Stage({ runtime: { maxTokens: 330 + 160 } }).start(w1, w2).finishRound(0, w1, w2);
  expect(assignments(stage, w1, w2).map(({ steps }) => steps)).toEqual([5, 5]);
  stage.commit(w1, 1, { tokens: 80 });
  stage.commit(w2, 1, { tokens: 80 });
  stage.received(w1, 1, w2);
  stage.received(w2, 1, w1);
  for (const id of [w1, w2]) stage.applied(id, 2);
  expect(stage.state).toMatchObject({ tokens: 480, phase: 'finishing' }); // 10 tokens left: less than a step
});

test('when there are fewer steps than workers, the others sit the round out', () => {
  const stage = new Stage({ min: 3, runtime: { maxTokens: 32 } }).start(w1, w2, w3);
  expect(Object.values(stage.state.open!.parts).map(({ assignment }) => assignment.steps)).toEqual([1, 1]);
});

test('a job ends at maxDuration, counted from its first round, at the end of a round', () => {
  const stage = new Stage({ runtime: { maxTokens: undefined, maxDuration: '60s' } });
  stage.pass(1e6);
  stage.start(w1, w2);
  stage.pass(30_000);
  stage.finishRound(0, w1, w2);
  expect(assignments(stage, w1).map(({ steps }) => steps)).toEqual([10]);
  stage.pass(20_000);
  stage.finishRound(1, w1, w2);
  expect(assignments(stage, w1).map(({ steps }) => steps)).toEqual([4]); // 10 s are left, a round took 25 s
  stage.pass(10_000);
  expect(stage.state.phase).toBe('running');
  stage.finishRound(2, w1, w2);
  expect(stage.state.phase).toBe('finishing');
});

test('a waiting job ends at maxDuration too', () => {
  const stage = new Stage({ runtime: { maxTokens: undefined, maxDuration: '60s' } })
    .start(w1, w2)
    .finishRound(0, w1, w2);
  stage.say(w1, { type: 'pause' });
  stage.pass(300_000);
  expect(stage.state).toMatchObject({ phase: 'finishing', lease: { kind: 'artifact', workerId: w2 } });
});

test('a job that learnt nothing before maxDuration has failed', () => {
  const stage = new Stage({ runtime: { maxTokens: undefined, maxDuration: '60s' } }).start(w1, w2);
  stage.gone(w1);
  stage.gone(w2);
  stage.pass(1e6);
  expect(stage.state).toMatchObject({ phase: 'failed', reason: 'maxDuration passed before any work was accepted' });
});

test('the learning rate warms up over the first rounds and decays over the last', () => {
  const optimizer = { learningRate: 1, warmup: 0.25, decay: 0.5 };
  const stage = new Stage({ min: 1, optimizer, runtime: { maxTokens: 1600 } }).start(w1);
  const rates: number[] = [];
  for (let round = 0; round < 10; round++) {
    rates.push(stage.state.open!.parts[w1]!.assignment.learningRate);
    stage.finishRound(round, w1);
  }
  expect(rates.map((rate) => Number(rate.toFixed(3)))).toEqual([0.2, 0.6, 1, 1, 1, 0.9, 0.7, 0.5, 0.3, 0.1]);
  expect(stage.state.phase).toBe('finishing');
});

test('fast workers take turns in measuring the validation loss', () => {
  const stage = new Stage({ min: 3 });
  [w1, w2, w3].forEach((id, index) => stage.hello(id, { tokensPerSecond: [100, 90, 20][index]! }));
  for (const id of [w1, w2, w3]) stage.applied(id, 0);
  const evaluators: string[] = [];
  for (let round = 0; round < 4; round++) {
    const parts = Object.entries(stage.state.open!.parts);
    evaluators.push(...parts.filter(([, part]) => part.assignment.evaluate).map(([id]) => id));
    stage.now += 10_000;
    for (const [id, { assignment }] of parts) {
      const validation = assignment.evaluate ? { loss: 3, tokens: 100 } : null;
      stage.commit(id, round, { tokens: 16, seconds: id === w3 ? 0.8 : 0.16, validation });
    }
    for (const id of [w1, w2, w3]) stage.received(id, round, w1, w2, w3);
    for (const id of [w1, w2, w3]) stage.applied(id, round + 1);
  }
  expect(evaluators).toEqual([w1, w2, w1, w2]);
});

test('validation that costs much is measured every few rounds', () => {
  const stage = new Stage({ min: 1 }).start(w1);
  const evaluated: number[] = [];
  for (let round = 0; round < 8; round++) {
    const { evaluate } = stage.state.open!.parts[w1]!.assignment;
    if (evaluate) evaluated.push(round);
    stage.now += 1_600; // measuring takes a third of that: 160 tokens at 300 a second
    stage.commit(w1, round, { validation: evaluate ? { loss: 3, tokens: 160 } : null });
    stage.applied(w1, round + 1);
  }
  expect(evaluated).toEqual([0, 4]);
});

test('cancelling ends the job at any moment, and latecomers hear of it', () => {
  const stage = new Stage().start(w1, w2);
  stage.feed({ type: 'cancel', reason: 'by its owner' });
  expect(stage.heard(w1, 'finish')).toEqual([{ type: 'finish', state: 'cancelled', reason: 'by its owner' }]);
  expect(stage.recorded('job.finished')).toMatchObject([{ state: 'cancelled', rounds: 0, tokens: 0 }]);
  stage.feed({ type: 'cancel', reason: 'again' });
  stage.commit(w1, 0);
  stage.pass(1e9);
  stage.hello(w3);
  expect(stage.heard(w3, 'finish')).toMatchObject([{ state: 'cancelled', reason: 'by its owner' }]);
  expect(stage.recorded('job.finished')).toHaveLength(1);
  expect(stage.state).toMatchObject({ phase: 'cancelled', open: null, wakeAt: null });
  expect(stage.state.members[w1]!.holds!.stateHash).toBe(hashOf('state 0'));
});

test('the last steps are not for a worker that never delivers and only has to be there', () => {
  const stage = new Stage({ min: 3, runtime: { maxTokens: 16 } }).start(w1, w2, w3);
  expect(Object.keys(stage.state.open!.parts)).toEqual([w1]); // one step is left, and all are as fast
  for (let attempt = 0; Object.keys(stage.state.open!.parts).includes(w1); attempt++) {
    expect(attempt).toBeLessThan(2);
    for (let deadline = 0; deadline <= maxExtensions; deadline++) stage.pass(stage.state.open!.deadlineMs - stage.now);
  }
  expect(Object.keys(stage.state.open!.parts)).toEqual([w2]);
});

test('one that begins while others are at work already is not asked for more than its speed allows beside theirs', () => {
  const stage = new Stage({ min: 2, rounds: { staleness: 1, quorum: 0.5 } }).start(w1, w2);
  stage.commit(w1, 0);
  stage.received(w2, 0, w1);
  stage.pass(10_000); // w2 trains on
  stage.hello(w3, { tokensPerSecond: 10 });
  for (const id of [w3, w1, w2]) stage.applied(id, 1);
  expect(Object.values(stage.state.open!.parts).map(({ assignment }) => assignment.round)).toEqual([0, 0, 1]);
  expect(assignments(stage, w3)[0]!.steps).toBe(1);
});

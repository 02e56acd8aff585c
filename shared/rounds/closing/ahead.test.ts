import { expect, test } from 'vitest';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

const late = (staleness: number): Stage => new Stage({ min: 3, rounds: { staleness } }).start(w1, w2, w3);

/** Two of three commit and have each other's payload; the moment for the third passes. */
function closeWithoutThird(stage: Stage, round: number, of = round): void {
  for (const id of [w1, w2]) stage.commit(id, of, { hash: hashOf(`${id} ${round}`) });
  stage.received(w1, round, w2);
  stage.received(w2, round, w1);
  stage.pass(10_000);
}

function agree(stage: Stage, round: number): void {
  for (const id of [w1, w2, w3]) stage.applied(id, round);
}

test('a round closes with a share of its workers; the third is accepted a round late and not asked anew', () => {
  const stage = late(1);
  closeWithoutThird(stage, 0);
  expect(stage.recorded('round.closed')).toMatchObject([
    { accepted: [{ workerId: w1 }, { workerId: w2 }], late: [w3] },
  ]);
  agree(stage, 1);
  expect(stage.heard(w3, 'assign')).toEqual([]);
  stage.commit(w3, 0);
  expect(stage.state.open?.parts[w3]?.commit?.hash).toBe(hashOf(`${w3} 0`));
  for (const id of [w1, w2]) stage.say(id, { type: 'received', round: 1, hashes: [hashOf(`${w3} 0`)] });
  closeWithoutThird(stage, 1, 0);
  const [, second] = stage.recorded('round.closed');
  expect(second).toMatchObject({
    accepted: expect.arrayContaining([expect.objectContaining({ workerId: w3, staleness: 1 })]),
  });
  expect(stage.state.refused).toEqual({});
  expect(stage.state.members[w3]).toMatchObject({ misses: 0, roundsAccepted: 1 });
});

test('whoever has committed is asked to train on from the same state, with another seed', () => {
  const stage = late(1);
  const [first] = [stage.state.open!.parts[w1]!.assignment];
  stage.commit(w1, 0);
  const [next] = stage.heard(w1, 'assign');
  expect(next!.assignment).toMatchObject({ round: 0, steps: first.steps });
  expect(next!.assignment.seed).not.toBe(first.seed);
  stage.commit(w1, 0, { hash: hashOf('more') });
  expect(stage.heard(w1, 'assign')).toEqual([]); // two pieces of work wait to be taken
  expect(stage.state.ahead[w1]?.commit?.hash).toBe(hashOf('more'));
});

test('without staleness it waits, and a round waits for all', () => {
  const stage = late(0);
  closeWithoutThird(stage, 0);
  expect(stage.recorded('round.closed')).toEqual([]);
  expect(stage.state.ahead).toEqual({});
});

test('work from a state that is too old is dropped, and its author asked anew', () => {
  const stage = late(1);
  closeWithoutThird(stage, 0);
  agree(stage, 1);
  closeWithoutThird(stage, 1, 0);
  agree(stage, 2);
  expect(stage.heard(w3, 'assign')).toMatchObject([{ assignment: { round: 2 } }]);
  stage.commit(w3, 0);
  expect(stage.state.open?.parts[w3]).toMatchObject({ assignment: { round: 2 }, commit: null });
  expect(stage.state.members[w3]).toMatchObject({ misses: 1, present: true });
});

test('work beside the round never goes beyond the tokens of the job', () => {
  const stage = new Stage({ min: 2, rounds: { staleness: 1 }, runtime: { maxTokens: 16 * 25 } }).start(w1, w2);
  stage.commit(w1, 0);
  expect(stage.heard(w1, 'assign')).toMatchObject([{ assignment: { steps: 5 } }]);
  stage.commit(w2, 0);
  expect(stage.heard(w2, 'assign')).toEqual([]);
});

test('a worker that lost its memory is asked anew, one that leaves is not waited for', () => {
  const stage = late(1);
  stage.commit(w1, 0);
  stage.commit(w2, 0);
  expect(Object.keys(stage.state.ahead)).toEqual([w1, w2]);
  stage.gone(w1);
  stage.hello(w1);
  expect(Object.keys(stage.state.ahead)).toEqual([w2]);
  stage.say(w2, { type: 'leave', reason: 'closed the page' });
  expect(stage.state.ahead).toEqual({});
});

test('what its author has lost does not wait for the next round', () => {
  const stage = late(2);
  stage.commit(w3, 0);
  stage.gone(w3);
  stage.hello(w3); // without its memory
  closeWithoutThird(stage, 0);
  expect(stage.state.log[0]!.accepted.map(({ workerId }) => workerId)).toEqual([w1, w2]);
  expect(stage.state.ahead[w3]).toBeUndefined();
});

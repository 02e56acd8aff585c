import { expect, test } from 'vitest';
import { patientRewindMs, relayRetryMs, rewindMs } from '../limits.ts';
import { hashOf, Stage, w1, w2, w3 } from '../testing/stage.ts';

function missing(stage: Stage, workerId: string, round: number, author: string): void {
  stage.say(workerId, { type: 'missing', round, hashes: [hashOf(`${author} ${round}`)] });
}

/** Who was asked by the last event to use the relay. */
function asked(stage: Stage): string[] {
  return [w1, w2, w3].filter((id) => stage.heard(id, 'relay').length > 0);
}

test('holders are asked one after the other to relay a payload, its author first', () => {
  const stage = new Stage().start(w1, w2).finishRound(0, w1, w2);
  stage.hello(w3);
  missing(stage, w3, 0, w2);
  expect(asked(stage)).toEqual([w2]);
  missing(stage, w3, 0, w2);
  expect(asked(stage)).toEqual([]); // give it a moment
  stage.pass(relayRetryMs);
  missing(stage, w3, 0, w2);
  expect(asked(stage)).toEqual([w1]);
});

test('in an open round only those who have the payload are asked', () => {
  const stage = new Stage({ min: 3 }).start(w1, w2, w3);
  stage.commit(w1, 0);
  stage.received(w2, 0, w1);
  stage.gone(w1);
  missing(stage, w3, 0, w1);
  expect(asked(stage)).toEqual([w2]);
});

test('when no holder is left to ask, a checkpoint is made and the worker goes on from there', () => {
  const stage = new Stage({ min: 1 }).start(w1).finishRound(0, w1);
  stage.hello(w2);
  missing(stage, w2, 0, w1);
  stage.pass(relayRetryMs);
  missing(stage, w2, 0, w1);
  expect(stage.state.members[w2]!.stuck).toBe(true);
  stage.finishRound(1, w1);
  expect(stage.state.lease).toMatchObject({ workerId: w1, kind: 'checkpoint', round: 2 });
  stage.feed({ type: 'stored', kind: 'checkpoint', fence: 1, bytes: 9 });
  const said = { kind: 'checkpoint', fence: 1, round: 2, stateHash: hashOf('state 2'), bytes: 9 } as const;
  stage.say(w1, { type: 'uploaded', ...said, evaluation: null });
  expect(stage.heard(w2, 'resync')).toMatchObject([{ checkpoint: { round: 2 }, log: [] }]);
  missing(stage, w2, 0, w1);
  expect(stage.heard(w2, 'resync')).toMatchObject([{ reason: 'round 0 is in the checkpoint now' }]);
});

test('a payload that was never accepted means the worker has an old log', () => {
  const stage = new Stage({ min: 1 }).start(w1).finishRound(0, w1);
  missing(stage, w1, 0, 'nobody');
  expect(stage.heard(w1, 'resync')).toHaveLength(1);
});

/** Round 0 was accepted with the payloads of w1 and w2, which are gone; w3 holds the state before it. */
function bereft(): Stage {
  const stage = new Stage({ min: 1 }).start(w1, w2, w3);
  for (const id of [w1, w2]) stage.commit(id, 0);
  for (const id of [w1, w2]) stage.received(id, 0, w1, w2);
  stage.pass(stage.state.open!.deadlineMs - stage.now);
  expect(stage.state.log).toHaveLength(1);
  stage.gone(w1);
  stage.gone(w2);
  return stage;
}

test('a state that nobody can rebuild is given up for the latest one that is still there', () => {
  const stage = bereft();
  missing(stage, w3, 0, w1);
  expect(stage.state).toMatchObject({ lostSince: stage.now, phase: 'running' });
  stage.pass(rewindMs);
  expect(stage.recorded('round.rewound')).toMatchObject([{ from: 1, to: 0 }]);
  expect(stage.state).toMatchObject({ round: 0, tokens: 0, log: [], losses: [], stateHashes: [] });
  expect(Object.values(stage.state.members).map((member) => member.tokensAccepted)).toEqual([0, 0, 0]);
  expect(stage.heard(w3, 'resync')).toMatchObject([{ round: 0, log: [] }]);
  stage.applied(w3, 0);
  expect(stage.state.open).toMatchObject({ round: 0 });
});

test('the job does not go back while a worker may still bring the state', () => {
  const stage = bereft();
  stage.hello(w1);
  missing(stage, w3, 0, w2);
  stage.pass(relayRetryMs);
  missing(stage, w3, 0, w2); // w1 was asked, and has not got it either
  stage.pass(relayRetryMs);
  missing(stage, w3, 0, w2);
  stage.pass(patientRewindMs - 2 * relayRetryMs - 1);
  expect(stage.recorded('round.rewound')).toEqual([]);
  stage.applied(w1, 1);
  stage.pass(patientRewindMs);
  expect(stage.recorded('round.rewound')).toEqual([]);
  expect(stage.state.stateHash).toBe(hashOf('state 1'));
});

test('going back while nobody is there leads to the checkpoint', () => {
  const stage = new Stage({ min: 1, runtime: { checkpointInterval: '1s' } }).start(w1);
  stage.pass(1000);
  stage.finishRound(0, w1);
  const { fence } = stage.state.lease!;
  stage.feed({ type: 'stored', kind: 'checkpoint', fence, bytes: 9 });
  const said = { kind: 'checkpoint', fence, round: 1, stateHash: hashOf('state 1'), bytes: 9 } as const;
  stage.say(w1, { type: 'uploaded', ...said, evaluation: null });
  stage.finishRound(1, w1).finishRound(2, w1);
  stage.gone(w1);
  stage.hello(w2);
  missing(stage, w2, 1, w1);
  stage.pass(rewindMs);
  expect(stage.recorded('round.rewound')).toMatchObject([{ from: 3, to: 1 }]);
  expect(stage.state).toMatchObject({
    round: 1,
    tokens: 160,
    stateHash: hashOf('state 1'),
    stateHashes: [hashOf('state 1')],
  });
});

test('whoever trains an undone round again may send the same bits', () => {
  const stage = bereft();
  const before = stage.state.spent.length;
  missing(stage, w3, 0, w1);
  stage.pass(rewindMs);
  expect(before - stage.state.spent.length).toBe(2);
  stage.hello(w1);
  for (const id of [w1, w3]) stage.applied(id, 0);
  stage.pass(0);
  for (const id of Object.keys(stage.state.open!.parts)) stage.commit(id, 0, { hash: hashOf(`${w1} 0`) });
  expect(stage.state.refused).toEqual({});
});

import { expect, test } from 'vitest';
import type { RoomMessage } from '../../protocol/messages.ts';
import { minAddMs, settleMs } from '../limits.ts';
import { hashOf, Stage } from '../testing/stage.ts';

const ids = ['w-00000001', 'w-00000002', 'w-00000003', 'w-00000004'];

type Sum = Extract<RoomMessage, { type: 'sum' }>;

const piecesOf = (id: string, round: number): string[] => ids.map((_, segment) => hashOf(`${id} ${round} ${segment}`));

function ring(rounds: object = {}): Stage {
  return new Stage({ min: 3, rounds: { topology: 'ring', compression: 'none', ...rounds } }).start(...ids);
}

function commitAll(stage: Stage, round = 0, of: readonly string[] = ids): void {
  for (const id of of) stage.commit(id, round, { pieces: piecesOf(id, round) });
}

/** What the room asked of each worker so far, with the worker. */
function asked(stage: Stage): (Sum & { to: string })[] {
  return stage.effects.flatMap((effect) =>
    effect.type === 'send' && effect.message.type === 'sum' ? [{ ...effect.message, to: effect.to }] : [],
  );
}

function sum(stage: Stage, id: string, segment: number, text = `sum ${segment}`, round = 0): void {
  stage.say(id, { type: 'summed', round, node: 0, segment, hash: hashOf(text) });
}

/** Every owner adds up its segment. @param of what an owner makes of it */
function sumAll(stage: Stage, round = 0, of = (segment: number): string => `sum ${segment} ${round}`): void {
  for (const { to, segment, round: other } of asked(stage))
    if (other === round) sum(stage, to, segment, of(segment), round);
}

function join(stage: Stage, id: string, round = 0, text = `whole ${round}`): void {
  stage.say(id, { type: 'folded', round, node: 0, hash: hashOf(text), bytes: 50 });
}

function heardEver<T extends RoomMessage['type']>(
  stage: Stage,
  id: string,
  type: T,
): Extract<RoomMessage, { type: T }>[] {
  return stage.effects.flatMap((effect) =>
    effect.type === 'send' && effect.to === id && effect.message.type === type
      ? [effect.message as Extract<RoomMessage, { type: T }>]
      : [],
  );
}

/** The sums of a round in which one is checked, and of whom that is asked. */
function untilChecked(): { stage: Stage; check: Sum & { to: string } } {
  for (let attempt = 0; ; attempt++) {
    const stage = ring();
    commitAll(stage);
    sumAll(stage, 0, (segment) => `sum ${segment} of ${attempt}`);
    const check = asked(stage)[ids.length];
    if (check !== undefined) return { stage, check };
  }
}

test('each member adds up one segment of all pieces, all join the sums, and who worked is booked one by one', () => {
  const stage = ring();
  for (const id of ids) expect(heardEver(stage, id, 'assign')[0]!.assignment.segments).toBe(4);
  commitAll(stage);
  expect(asked(stage).map(({ to }) => to)).toEqual(ids);
  for (const { segment, segments, inputs, pieces } of asked(stage)) {
    expect(inputs.map(({ workerId }) => workerId)).toEqual(ids);
    expect(pieces).toEqual(ids.map((id) => piecesOf(id, 0)[segment]));
    expect(segments).toBe(4);
  }
  expect(ids.flatMap((id) => heardEver(stage, id, 'committed'))).toEqual([]);
  sumAll(stage);
  for (const id of ids) {
    const sums = ids.map((owner, segment) => ({ workerId: owner, hash: hashOf(`sum ${segment} 0`) }));
    expect(heardEver(stage, id, 'join')).toMatchObject([{ node: 0, folds: 4, sums }]);
  }
  for (const id of ids) join(stage, id);
  for (const { to, segment } of asked(stage).slice(4)) sum(stage, to, segment, `sum ${segment} 0`);
  expect(stage.state.log[0]).toMatchObject({ accepted: [{ hash: hashOf('whole 0'), folds: 4, tokens: 640 }] });
  expect(Object.keys(stage.state.log[0]!.credits).toSorted()).toEqual(ids);
  expect(stage.recorded('round.closed')).toMatchObject([{ accepted: ids.map((workerId) => ({ workerId })), late: [] }]);
  for (const id of ids) expect(stage.state.members[id]!.misses).toBe(0);
});

test.each([
  ['before its sum', (stage: Stage) => stage.gone(ids[3]!)],
  ['after its sum', (stage: Stage) => (sumAll(stage), join(stage, ids[0]!), stage.gone(ids[3]!))],
  ['with its memory', (stage: Stage) => stage.hello(ids[3]!)],
])(
  'a member vanishes %s: the others hand their payloads on whole at once, and nothing of theirs is lost',
  (_, vanish) => {
    const stage = ring();
    commitAll(stage);
    vanish(stage);
    const others = ids.slice(0, 3);
    for (const id of others)
      expect(heardEver(stage, id, 'committed').flatMap(({ contributions }) => contributions)).not.toEqual([]);
    for (const id of others) stage.received(id, 0, ...others);
    expect(stage.state.log[0]!.accepted.map(({ workerId }) => workerId)).toEqual(others);
    join(stage, ids[0]!); // too late, and nobody's fault
    expect(stage.state.refused).toEqual({});
  },
);

test('a member that says nothing is not waited for beyond the time of a round; then a round goes without adding up', () => {
  const stage = ring();
  commitAll(stage);
  for (const { to, segment } of asked(stage).slice(1)) sum(stage, to, segment);
  stage.pass(Math.max(minAddMs, stage.state.open!.givenMs));
  for (const id of ids) stage.received(id, 0, ...ids);
  expect(stage.state.log[0]!.accepted).toHaveLength(4);
  for (const id of ids) stage.applied(id, 1);
  expect(heardEver(stage, ids[0]!, 'assign').at(-1)!.assignment).not.toHaveProperty('segments');
  stage.finishRound(1, ...ids);
  expect(heardEver(stage, ids[0]!, 'assign').at(-1)!.assignment).toMatchObject({ round: 2, segments: 4 });
});

test('who has not joined the sums a moment after most have gets them from those', () => {
  const stage = ring();
  commitAll(stage);
  sumAll(stage);
  for (const { to, segment } of asked(stage).slice(4)) sum(stage, to, segment, `sum ${segment} 0`);
  for (const id of ids.slice(0, 3)) join(stage, id);
  expect(stage.state.log).toHaveLength(0);
  stage.pass(settleMs);
  expect(stage.state.log[0]!.accepted).toMatchObject([{ hash: hashOf('whole 0'), folds: 4 }]);
});

test('members that join to different bytes have no payload: they hand their own on', () => {
  const stage = ring();
  commitAll(stage);
  sumAll(stage);
  for (const id of ids) join(stage, id, 0, `only ${id}`);
  stage.pass(Math.max(minAddMs, stage.state.open!.givenMs));
  for (const id of ids) stage.received(id, 0, ...ids);
  expect(stage.state.log[0]!.accepted.map(({ workerId }) => workerId)).toEqual(ids);
});

test('at the deadline those who have committed add up, if they are enough', () => {
  const stage = ring();
  commitAll(stage, 0, ids.slice(0, 3));
  expect(asked(stage)).toEqual([]);
  stage.pass(stage.state.open!.givenMs);
  expect(asked(stage).map(({ to, segment }) => [segment, to])).toEqual([
    [0, ids[0]],
    [3, ids[0]],
    [1, ids[1]],
    [2, ids[2]],
  ]);
});

test('a sum that another makes otherwise goes to a third: two who agree are right, whoever is not rests', () => {
  const { stage, check } = untilChecked();
  const owner = ids[check.segment]!;
  expect(check.to).not.toBe(owner);
  sum(stage, check.to, check.segment, 'right');
  const third = asked(stage).at(-1)!;
  expect([owner, check.to]).not.toContain(third.to);
  sum(stage, third.to, check.segment, 'right');
  for (const id of ids) stage.received(id, 0, ...ids); // whole: the sum was false
  expect(stage.state.log[0]!.accepted).toHaveLength(4);
  expect(ids.filter((id) => stage.state.members[id]!.restsUntil > 1)).toEqual([owner]);
});

test('a checker that is wrong rests, and the sums stand', () => {
  const { stage, check } = untilChecked();
  const right = stage.state.open!.nodes[0]!.adding!.sums[check.segment]![ids[check.segment]!]!;
  sum(stage, check.to, check.segment, 'wrong');
  for (const id of ids) join(stage, id);
  expect(stage.state.log).toHaveLength(0); // the sum is in question
  const third = asked(stage).at(-1)!;
  stage.say(third.to, { type: 'summed', round: 0, node: 0, segment: check.segment, hash: right });
  expect(stage.state.log[0]!.accepted).toMatchObject([{ folds: 4 }]);
  expect(ids.filter((id) => stage.state.members[id]!.restsUntil > 1)).toEqual([check.to]);
});

test('what is asked is asked again after a restart of the room', () => {
  const stage = ring();
  commitAll(stage);
  sum(stage, ids[0]!, 0);
  const { round, stateHash } = stage.state;
  stage.feed({ type: 'restarted' });
  for (const id of ids) stage.hello(id, { holds: { round, stateHash: stateHash! } });
  const repeated = asked(stage).slice(4);
  expect(repeated.map(({ to, segment }) => [to, segment])).toEqual(ids.slice(1).map((id, place) => [id, place + 1]));
});

test.each([{ compression: 'topk' }, { aggregation: 'median' }, { aggregation: { kind: 'mean', clipTensors: true } }])(
  'with %j payloads are handed on whole',
  (rounds) => {
    const stage = ring(rounds);
    expect(stage.state.overlay.kind).toBe('ring');
    expect(heardEver(stage, ids[0]!, 'assign')[0]!.assignment).not.toHaveProperty('segments');
  },
);

test('workers of protocol 2 are not asked to add up', () => {
  const stage = new Stage({ min: 3, rounds: { topology: 'ring', compression: 'none' } });
  for (const id of ids) stage.hello(id, id === ids[0] ? { version: 2 } : {});
  for (const id of ids) stage.applied(id, 0);
  expect(heardEver(stage, ids[1]!, 'assign')[0]!.assignment).not.toHaveProperty('segments');
});

test('a commit without its pieces, a segment that was not asked for and a second thought are refused', () => {
  const stage = ring();
  stage.commit(ids[0]!, 0);
  expect(stage.heard(ids[0]!, 'refused')).toMatchObject([{ where: 'pieces', allowed: '4 hashes' }]);
  commitAll(stage);
  sum(stage, ids[0]!, 1);
  expect(stage.heard(ids[0]!, 'refused')).toMatchObject([{ code: 'conflict' }]);
  stage.commit(ids[1]!, 0, { hash: hashOf('better'), pieces: piecesOf('better', 0) });
  expect(stage.heard(ids[1]!, 'refused')).toMatchObject([{ code: 'conflict', message: /being added up/ }]);
});

test('a piece or a sum that does not come is put on the relay by whoever has it', () => {
  const stage = ring();
  commitAll(stage);
  stage.say(ids[0]!, { type: 'missing', round: 0, hashes: [piecesOf(ids[2]!, 0)[0]!] });
  expect(stage.heard(ids[2]!, 'relay')).toHaveLength(1);
  sumAll(stage);
  stage.say(ids[0]!, { type: 'missing', round: 0, hashes: [hashOf('sum 3 0')] });
  expect(stage.heard(ids[3]!, 'relay')).toHaveLength(1);
});

test('a ring that waits in vain for a commit gives the rounds after it no more time', () => {
  const stage = ring();
  stage.pass(2_000);
  commitAll(stage, 0, ids.slice(1));
  stage.pass(stage.state.open!.deadlineMs - stage.now);
  expect(asked(stage)).toHaveLength(4);
  stage.pass(500);
  stage.received(ids[1]!, 0, ids[2]!);
  const { progressAt, openedAt, waitedMs } = stage.state.open!;
  expect(progressAt - openedAt - waitedMs).toBe(2_500);
});

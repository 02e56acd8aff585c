import { expect, test } from 'vitest';
import { maxFoldMs, settleMs } from '../limits.ts';
import { hashOf, Stage } from '../testing/stage.ts';

const ids = ['w-00000001', 'w-00000002', 'w-00000003', 'w-00000004'];

/** Four workers in two groups, whose members have committed and received everything. */
function twoGroups(): { stage: Stage; groups: readonly (readonly string[])[] } {
  const stage = new Stage({ min: 4, rounds: { topology: { kind: 'groups', groupSize: 2 } } }).start(...ids);
  const { groups } = stage.state.overlay;
  for (const id of ids) stage.commit(id, 0);
  for (const group of groups) for (const id of group) stage.received(id, 0, ...group);
  return { stage, groups };
}

function fold(stage: Stage, id: string, node: number, text: string): void {
  stage.say(id, { type: 'folded', round: 0, node, hash: hashOf(text), bytes: 50 });
}

test('a worker hears of the commits of its group only, and is asked to fold them', () => {
  const { stage, groups } = twoGroups();
  const sent = stage.effects.flatMap((effect) => (effect.type === 'send' ? [effect] : []));
  for (const [node, group] of groups.entries()) {
    for (const id of group) {
      const heard = sent.filter(({ to }) => to === id).map(({ message }) => message);
      const committed = heard.flatMap((message) => (message.type === 'committed' ? message.contributions : []));
      expect(new Set(committed.map(({ workerId }) => workerId))).toEqual(new Set(group));
      const asked = heard.filter((message) => message.type === 'fold');
      expect(asked).toMatchObject([{ node, round: 0 }]);
      expect(asked.flatMap(({ inputs }) => inputs.map(({ workerId }) => workerId)).toSorted()).toEqual(
        group.toSorted(),
      );
    }
  }
});

test('what both members of a group made stands for them; who worked is booked one by one', () => {
  const { stage, groups } = twoGroups();
  for (const [node, group] of groups.entries()) for (const id of group) fold(stage, id, node, `group ${node}`);
  expect(stage.state.log[0]!.accepted).toMatchObject([
    { hash: hashOf('group 0'), folds: 2, tokens: 320 },
    { hash: hashOf('group 1'), folds: 2, tokens: 320 },
  ]);
  expect(stage.recorded('round.closed')).toMatchObject([
    { accepted: expect.any(Array), applied: expect.any(Array), late: [] },
  ]);
  expect(Object.keys(stage.state.log[0]!.credits).toSorted()).toEqual(ids);
  expect(stage.state.tokens).toBe(640);
});

test('a group that does not come to the same bytes is taken as it is, when its time is over', () => {
  const { stage, groups } = twoGroups();
  for (const id of groups[0]!) fold(stage, id, 0, 'agreed');
  for (const id of groups[1]!) fold(stage, id, 1, `only ${id}`);
  expect(stage.state.open).not.toBeNull();
  stage.pass(maxFoldMs);
  const own = groups[1]!.map((id) => hashOf(`${id} 0`));
  expect(stage.state.log[0]!.accepted.map(({ hash }) => hash).toSorted()).toEqual(
    [hashOf('agreed'), ...own].toSorted(),
  );
  expect(stage.state.tokens).toBe(640);
});

test('when a member vanishes, work that only one other holds is not accepted', () => {
  const { stage, groups } = twoGroups();
  for (const id of groups[0]!) fold(stage, id, 0, 'agreed');
  fold(stage, groups[1]![0]!, 1, 'alone');
  stage.gone(groups[1]![1]!);
  stage.pass(maxFoldMs);
  expect(stage.state.log[0]!.accepted).toMatchObject([{ hash: hashOf('agreed'), folds: 2 }]); // the other is with one worker only
  expect(stage.state.tokens).toBe(320);
});

test('nobody folds what it was not asked to', () => {
  const { stage, groups } = twoGroups();
  fold(stage, groups[0]![0]!, 1, 'meddling');
  expect(stage.heard(groups[0]![0]!, 'refused')).toMatchObject([{ code: 'conflict' }]);
});

test('what a group made cannot be handed in as one’s own work', () => {
  const { stage, groups } = twoGroups();
  for (const id of groups[0]!) fold(stage, id, 0, 'group 0');
  const [thief] = groups[1]!;
  stage.commit(thief!, 0, { hash: hashOf('group 0') });
  expect(stage.heard(thief!, 'refused')).toHaveLength(1);
});

test('work that a payload was made of counts, though its author and whoever had it are gone', () => {
  const many = Array.from({ length: 8 }, (_, index) => `w-0000000${index}`);
  const stage = new Stage({ min: 8, rounds: { topology: { kind: 'groups', groupSize: 4 } } }).start(...many);
  const [first, second] = stage.state.overlay.groups;
  const [a, b, c, d] = first!;
  for (const id of many) stage.commit(id, 0);
  for (const id of second!) stage.received(id, 0, ...second!);
  for (const [id, author] of [
    [b, a],
    [c, b],
    [d, c],
    [a, d],
  ])
    stage.received(id!, 0, author!);
  stage.pass(settleMs);
  stage.gone(b!);
  for (const id of [c, d]) fold(stage, id!, 0, 'group 0');
  stage.gone(a!);
  stage.hello(a!); // without its memory
  stage.applied(a!, 0);
  for (const id of second!) fold(stage, id, 1, 'group 1');
  expect(Object.keys(stage.state.log[0]!.credits).toSorted()).toEqual(many);
});

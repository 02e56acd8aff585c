import { expect, test } from 'vitest';
import { maxApplied, maxListed } from '../limits.ts';
import { Stage, hashOf, w1, w2 } from '../testing/stage.ts';
import type { Turn } from '../turn.ts';
import type { Member, OpenRound, Part, RoundNode } from '../types.ts';
import { conclude } from './conclude.ts';
import { startFold } from './fold.ts';

const count = maxApplied + 500;
const ids = Array.from({ length: count }, (_, index) => `w-${String(index).padStart(8, '0')}`);
const groupSize = 16;

/** A round at its end, of groups that have committed and did not fold; the later a worker, the more it has trained. */
function unfolded(): Turn {
  const { state, now } = new Stage({ max: 20_000 }).start(w1, w2);
  const [member, part] = [state.members[w1]!, state.open!.parts[w1]!];
  const groups = Math.ceil(count / groupSize);
  const members = ids.map((workerId): [string, Member] => [workerId, { ...member, workerId }]);
  const groupOf = (group: number): string[] => ids.slice(group * groupSize, (group + 1) * groupSize);
  const parts = ids.map((id, slot): [string, Part] => {
    const node = Math.floor(slot / groupSize);
    const assignment = { ...part.assignment, slot };
    const commit = { hash: hashOf(id), bytes: 100, tokens: 1000 + slot, loss: 3, validation: null };
    return [id, { ...part, assignment, node, commit, received: groupOf(node).map(hashOf) }];
  });
  const done: RoundNode = { ...state.open!.nodes[0]!, folds: true, isDone: true };
  const leaves = Array.from({ length: groups }, (_, group): RoundNode => {
    const inputs = groupOf(group).map((id) => ({
      workerId: id,
      hash: hashOf(id),
      bytes: 100,
      tokens: 1000 + ids.indexOf(id),
    }));
    return { ...done, members: groupOf(group), inputs };
  });
  const top: RoundNode = { ...done, members: groupOf(0), children: leaves.map((_, index) => index) };
  const open: OpenRound = { ...state.open!, nodes: { ...[...leaves, top] }, parts: Object.fromEntries(parts) };
  const large = { ...state, members: Object.fromEntries(members), open };
  return { state: large, before: large, now, effects: [], own: new Set(), commits: null, folds: null, spent: null };
}

test('where more payloads are left than everyone can fetch, those that most was trained for are taken', () => {
  const turn = unfolded();
  conclude(turn, turn.state.open!);
  const taken = ids.slice(-maxApplied);
  const [closed] = turn.effects.flatMap((effect) => (effect.type === 'broadcast' ? [effect.message] : []));
  expect(closed).toMatchObject({ type: 'close' });
  expect(closed?.type === 'close' && closed.closed.accepted.map(({ workerId }) => workerId)).toEqual(taken);
  const booked = turn.effects.flatMap((effect) => (effect.type === 'record' ? [effect.event] : []));
  expect(booked.map(({ type }) => type)).toEqual(['round.credited', 'round.closed']);
  const [part, end] = booked.map(({ data }) => data as { accepted: { workerId: string }[]; late: string[] });
  expect([part!.accepted.length, end!.accepted.length]).toEqual([maxListed, maxApplied - maxListed]);
  expect([...part!.accepted, ...end!.accepted].map(({ workerId }) => workerId)).toEqual(taken);
  expect([...part!.late, ...end!.late]).toEqual(ids.slice(0, -maxApplied));
});

test('nobody is asked to make one payload of more than it can fetch', () => {
  const turn = unfolded();
  const top = Object.keys(turn.state.open!.nodes).length - 1;
  const inputs = Object.values(turn.state.open!.nodes).flatMap((node) => node.inputs ?? []);
  startFold(turn, top, inputs);
  expect(turn.effects).toEqual([]);
  expect(turn.state.open!.nodes[top]).toMatchObject({ isDone: true, fold: null });
  startFold(turn, top, inputs.slice(0, 20));
  expect(turn.effects).toHaveLength(groupSize);
});

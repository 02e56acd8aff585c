// States that builds of each version stored, frozen. When a test here fails because the state has changed: take a new version in
// types.ts, freeze testing/stored-room.ts of the version before as frozen/version-N.json, and write the step that leads on.

import { expect, test } from 'vitest';
import { hashOf, Stage, w1, w2 } from '../testing/stage.ts';
import type { RoomState } from '../types.ts';
import version1 from './frozen/version-1.json' with { type: 'json' };
import version2 from './frozen/version-2.json' with { type: 'json' };
import version3 from './frozen/version-3.json' with { type: 'json' };
import version4 from './frozen/version-4.json' with { type: 'json' };
import { storedRoom, workers } from './testing/stored-room.ts';
import { upgraded } from './upgrade.ts';
import type { StoredRoom } from './upgrade.ts';

const frozen = [version1, version2, version3, version4].map((state) => state as unknown as StoredRoom);

/** The fields of plain data; what is kept by id or in a list has those of all its entries. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return merged(value.map(shapeOf));
  if (typeof value !== 'object' || value === null) return 'value';
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  const byId = entries.filter(([key]) => /^(w-\w+|\d+|[0-9a-f]{16,})$/.test(key)).map(([, entry]) => shapeOf(entry));
  const named = entries.filter(([key]) => !/^(w-\w+|\d+|[0-9a-f]{16,})$/.test(key));
  const fields = Object.fromEntries(named.map(([key, field]) => [key, shapeOf(field)]));
  return byId.length === 0 ? fields : { ...fields, '*': merged(byId) };
}

function merged(shapes: readonly unknown[]): unknown {
  const objects = shapes.filter((shape) => typeof shape === 'object');
  return objects.length === 0 ? 'value' : Object.assign({}, ...objects);
}

function shapeOfRoom({ manifest: _, ...state }: RoomState): unknown {
  return shapeOf(state);
}

test('a room of this build has the fields of its version, so that a later build knows what it finds', () => {
  const { state } = storedRoom();
  const latest = frozen.at(-1)! as RoomState;
  expect(state.version).toBe(frozen.length);
  expect(shapeOfRoom(JSON.parse(JSON.stringify(state)) as RoomState)).toEqual(shapeOfRoom(latest));
});

test.each(frozen.map((stored) => [stored.version, stored] as const))(
  'a room that version %i stored goes on with its open round and its trials',
  (_version, stored) => {
    const before = JSON.parse(JSON.stringify(stored)) as RoomState;
    const stage = new Stage();
    stage.state = upgraded(stored);
    expect(shapeOfRoom(stage.state)).toEqual(shapeOfRoom(storedRoom().state));
    const { round, open, court, tokens } = stage.state;
    expect({ round, tokens }).toEqual({ round: before.round, tokens: before.tokens });
    expect(Object.keys(open!.parts)).toEqual(Object.keys(before.open!.parts));
    expect(court.trials.map(({ votes }) => votes)).toEqual(before.court.trials.map(({ votes }) => votes));
    const [committed] = Object.keys(open!.parts);
    expect(open!.parts[committed!]).toMatchObject({
      commit: { hash: hashOf(`${committed} ${round}`) },
      voice: 'heard',
    });

    stage.feed({ type: 'restarted' });
    for (const id of workers) stage.hello(id, { holds: before.members[id]!.holds });
    expect(stage.state.open?.parts[committed!]?.commit).not.toBeNull(); // nothing is trained again
    const atWork = Object.keys(stage.state.open!.parts);
    for (const id of atWork.slice(1)) stage.commit(id, round);
    for (const id of atWork) stage.received(id, round, ...atWork);
    const [{ shard, voters } = { shard: null, voters: 0 }] = before.court.trials;
    expect(voters).toBeGreaterThan(0); // the work of whoever is accused does not count meanwhile
    const accepted = stage.state.log.at(-1)!.accepted.map(({ workerId }) => workerId);
    expect(accepted).toEqual(atWork.filter((id) => id !== shard!.workerId));

    for (const id of workers) stage.applied(id, round + 1);
    const jurors = workers.filter((id) => stage.state.court.trials[0]!.votes[id] === null);
    expect(jurors.length).toBeGreaterThan(0); // the jury is asked
    for (const id of jurors) stage.say(id, { type: 'audited', hash: shard!.hash, likeness: { cosine: 0, error: 1 } });
    expect(stage.state.court.standings[shard!.workerId]!.state).not.toBe('good');
  },
);

test('a manifest of before a field existed gets its default; a state with nothing new in it stays the same object', () => {
  const { state } = new Stage().start(w1, w2);
  const stored = JSON.parse(JSON.stringify(state)) as RoomState;
  expect(upgraded(stored)).toBe(stored);
  const { overlap: _, ...rounds } = stored.manifest.spec.rounds;
  const older = { ...stored, manifest: { ...stored.manifest, spec: { ...stored.manifest.spec, rounds } } };
  expect(upgraded(older as RoomState)).toEqual(stored);
});

import { expect, test } from 'vitest';
import { hashOf, Stage, w1, w2 } from './testing/stage.ts';
import type { RoomState } from './types.ts';
import { upgraded } from './upgrade.ts';

/** The state as a build of version 1 would have stored it: without what came later. */
function asVersion1(state: RoomState): RoomState {
  const old = JSON.parse(JSON.stringify({ ...state, version: 1 })) as Record<string, never>;
  const { members, open, manifest } = old as unknown as Record<string, Record<string, Record<string, object>>>;
  for (const member of Object.values(members!)) delete member['leftBecause'];
  for (const part of Object.values(open!['parts']!)) delete (part as Record<string, unknown>)['voice'];
  for (const name of ['givenMs', 'shareAt', 'waitedMs']) delete open![name];
  for (const name of ['fragments', 'staleness']) delete (manifest!['spec']!['rounds'] as Record<string, unknown>)[name];
  delete old['ahead'];
  return old as unknown as RoomState;
}

test('a job goes on over an update of the coordinator: only the open round is opened again', () => {
  const stage = new Stage().start(w1, w2).finishRound(0, w1, w2);
  stage.commit(w1, 1);
  stage.state = upgraded(asVersion1(stage.state));
  expect(stage.state).toMatchObject({ version: 3, round: 1, tokens: 320, open: null, ahead: {} });
  expect(stage.state.manifest.spec.rounds).toMatchObject({ fragments: 1, staleness: 0 });
  stage.feed({ type: 'restarted' });
  const holds = { round: 1, stateHash: hashOf('state 1') };
  for (const id of [w1, w2]) stage.hello(id, { holds });
  for (const id of [w1, w2]) stage.applied(id, 1);
  expect(stage.state.open).toMatchObject({ round: 1 });
  stage.finishRound(1, w1, w2);
  expect(stage.state).toMatchObject({ round: 2, stateHash: hashOf('state 2') });
});

test('a court keeps what it knows of workers', () => {
  const { state } = new Stage({ verification: 'standard' }).start(w1, w2);
  const standing = { valid: 3, audits: 4, strikes: 1, suspicion: 0, vouchers: [w2], state: 'good', reason: '' };
  const old = asVersion1({ ...state, court: { ...state.court, standings: { [w1]: standing as never } } });
  expect(upgraded(old).court.standings[w1]).toEqual({ ...standing, proven: 0, lookedAt: null });
});

test('a state of this version stays as it is', () => {
  const { state } = new Stage().start(w1, w2);
  expect(upgraded(state)).toBe(state);
});

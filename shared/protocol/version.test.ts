import { expect, test } from 'vitest';
import { manifestIn } from '../manifest/earlier.ts';
import { parseManifest } from '../manifest/manifest.ts';
import { Stage, w1, w2, w3 } from '../rounds/testing/stage.ts';
import type { ManifestOptions } from '../rounds/testing/stage.ts';
import { protocolVersion } from './messages.ts';
import type { RoomMessage } from './messages.ts';
import { manifest1, parseRoomMessage1 } from './testing/version-1.ts';
import { manifest2, parseRoomMessage2 } from './testing/version-2.ts';
import { manifest3, parseRoomMessage3 } from './testing/version-3.ts';
import { chooseVersion, inVersion, unspoken, versionNeeded } from './version.ts';

test.each([
  [[1, 1], 1],
  [[1, 2], 2],
  [[2, 9], 2],
  [[3, 9], null],
  [[0, 0], null],
])('a worker that speaks %j and a room that speaks 1 to 2', ([oldest, newest], chosen) => {
  expect(chooseVersion({ oldest: oldest!, newest: newest! }, { oldest: 1, newest: 2 })).toBe(chosen);
});

test('a refusal says who has to be updated', () => {
  expect(unspoken({ oldest: 0, newest: 0 })).toMatchObject({
    message: 'this worker speaks protocol 0; the worker has to be updated',
    allowed: '1 to 4',
  });
  expect(unspoken({ oldest: 5, newest: 6 }).message).toMatch(/protocols 5 to 6; the coordinator has to be updated/);
});

const manifestWith = (spec: object) =>
  parseManifest({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'versions' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt' },
      data: { source: 'file:x' },
      runtime: { maxTokens: 1 },
      ...spec,
    },
  });

test('a manifest with nothing new in it is one that older workers can read: else manifest/earlier.ts must learn the new field', () => {
  const manifest = manifestWith({ rounds: { compression: 'int8' } });
  expect(versionNeeded(manifest)).toBe(1);
  expect(manifest1.safeParse(manifestIn(1, manifest)).error).toBeUndefined();
  expect(manifest2.safeParse(manifestIn(2, manifest)).error).toBeUndefined();
  expect(manifest3.safeParse(manifestIn(3, manifest)).error).toBeUndefined();
  expect(manifestIn(4, manifest)).toEqual(manifest);
});

test.each([
  { rounds: { topology: 'tree' } },
  { rounds: {} }, // signs by default
  { rounds: { compression: 'sign' } },
  { verification: 'standard' },
  { optimizer: { accumulate: 2 } },
  { optimizer: { kind: 'muon' } },
  { model: { kind: 'llama' } },
])('%j needs workers of protocol 2, who can read it', (spec) => {
  const manifest = manifestWith(spec);
  expect(versionNeeded(manifest)).toBe(2);
  expect(manifest2.safeParse(manifestIn(2, manifest)).error).toBeUndefined();
});

test.each([
  { rounds: { fragments: 2 } },
  { rounds: { fragments: 2, overlap: true } },
  { rounds: { staleness: 1 } },
  { rounds: { compression: 'dct' } },
  { rounds: { compression: { kind: 'dct', density: 0.1 } } },
  { rounds: { exchange: 'gradients' }, optimizer: { kind: 'sign' } },
  { rounds: { exchange: 'gradients', compression: 'int8' }, optimizer: { kind: 'sgd' } },
  { resources: { workers: { max: 1_001 } } },
])('%j needs workers of protocol 3, and an older one is told so', (spec) => {
  const manifest = manifestWith(spec);
  expect(versionNeeded(manifest)).toBe(3);
  expect(manifest3.safeParse(manifestIn(3, manifest)).error).toBeUndefined();
  const stage = new Stage();
  stage.state = { ...stage.state, manifest };
  stage.hello(w1, { version: 2 });
  const message = 'this job needs protocol 3, this worker speaks 2; it has to be updated';
  expect(stage.heard(w1, 'refused')).toMatchObject([{ code: 'unsupported_version', message, allowed: '3 or later' }]);
  expect(stage.state.members).toEqual({});
});

test('all that a room says in a round can be said to a worker of protocol 1', () => {
  const stage = new Stage().start(w1, w2, w3);
  stage.say(w3, { type: 'drain', reason: 'x' });
  for (const round of [0, 1]) stage.finishRound(round, w1, w2, w3);
  stage.feed({ type: 'cancel', reason: 'enough' });
  const messages = stage.effects.flatMap((effect) =>
    effect.type === 'send' || effect.type === 'broadcast' ? [effect.message] : [],
  );
  const types = new Set(messages.map(({ type }) => type));
  for (const type of ['welcome', 'peers', 'assign', 'committed', 'close', 'agreed', 'released', 'finish'])
    expect(types).toContain(type);
  const texts = messages.flatMap((message) => {
    const old = message.type === 'welcome' ? { ...message, version: 1 } : message;
    return inVersion(1, old).map((words) => JSON.stringify(words));
  });
  for (const text of texts) expect(() => parseRoomMessage1(text), text).not.toThrow();
  expect(messages.flatMap((message) => inVersion(2, message))).toEqual(messages);
});

test.each([
  { rounds: { topology: { kind: 'groups', groupSize: 3 } }, min: 6 },
  { rounds: { topology: 'ring', compression: 'none' }, min: 6 },
  { verification: 'standard', min: 6 },
  { runtime: { checkpointInterval: '1s' }, min: 2 },
] as const)('all that a room says to workers of protocol 2 is what they know: %j', (job) => {
  const messages = said(job, 6, 2).flatMap((message) => inVersion(2, message));
  expect(messages.length).toBeGreaterThan(30);
  for (const message of messages) expect(() => parseRoomMessage2(JSON.stringify(message))).not.toThrow();
});

test.each([
  [{ rounds: { topology: 'ring', compression: 'none' }, min: 6 }, 6],
  [{ rounds: { topology: { kind: 'groups', groupSize: 8 } }, min: 64, max: 64 }, 64],
] as const)('all that a room says to workers of protocol 3 is what they know: %j', (job, workers) => {
  const messages = said(job, workers, 3);
  for (const message of messages.flatMap((one) => inVersion(3, one)))
    expect(() => parseRoomMessage3(JSON.stringify(message))).not.toThrow();
  expect(messages.some((message) => message.type === 'peers' && message.dialMs !== undefined)).toBe(workers === 64);
});

/** What a room says in its first rounds to so many workers, one of this version among them. */
function said(job: ManifestOptions, workers: number, version: number): RoomMessage[] {
  const ids = Array.from({ length: workers }, (_, index) => `w-${String(index).padStart(8, '0')}`);
  const stage = new Stage(job);
  for (const id of ids) stage.hello(id, { version: id === ids[0] ? version : protocolVersion });
  for (const id of ids) stage.applied(id, 0);
  for (const round of workers < 10 ? [0, 1, 2] : [0]) {
    stage.pass(2_000);
    stage.finishRound(round, ...ids);
  }
  return stage.effects.flatMap((effect) =>
    effect.type === 'send' || effect.type === 'broadcast' ? [effect.message] : [],
  );
}

import { expect, test } from 'vitest';
import { asVersion1 } from '../manifest/version-1.ts';
import { parseManifest } from '../manifest/manifest.ts';
import { Stage, w1, w2, w3 } from '../rounds/testing/stage.ts';
import { manifest1, parseRoomMessage1 } from './testing/version-1.ts';
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
    allowed: '1 to 3',
  });
  expect(unspoken({ oldest: 4, newest: 5 }).message).toMatch(/protocols 4 to 5; the coordinator has to be updated/);
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

test('a manifest with nothing new in it is one that workers of protocol 1 can read: else version-1.ts must learn the new field', () => {
  const manifest = manifestWith({ rounds: { compression: 'int8' } });
  expect(versionNeeded(manifest)).toBe(1);
  expect(manifest1.safeParse(asVersion1(manifest)).error).toBeUndefined();
});

test.each([
  { rounds: { topology: 'tree' } },
  { rounds: {} }, // signs by default
  { rounds: { compression: 'sign' } },
  { verification: 'standard' },
  { optimizer: { accumulate: 2 } },
  { optimizer: { kind: 'muon' } },
  { model: { kind: 'llama' } },
  { resources: { workers: { max: 1_001 } } },
])('%j needs workers of protocol 2', (spec) => {
  expect(versionNeeded(manifestWith(spec))).toBe(2);
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

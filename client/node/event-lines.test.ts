import { expect, test } from 'vitest';
import type { WorkerSnapshot } from '../worker/events.ts';
import { SnapshotFeed } from '../worker/snapshot-feed.ts';
import { eventLines } from './event-lines.ts';

const first = new SnapshotFeed(() => undefined).now;

test('says each thing once, and a round in numbers', () => {
  const say = eventLines();
  let now: WorkerSnapshot = first;
  const next = (patch: Partial<WorkerSnapshot>): string[] => say((now = { ...now, ...patch }));
  expect(next({})).toEqual([]);
  expect(next({ workerId: 'w-aaaaaaaa', phase: 'idle', reason: 'No job.' })).toEqual([
    'registered as w-aaaaaaaa',
    'idle: No job.',
  ]);
  expect(next({ reason: 'No job.' })).toEqual([]);
  const backend = { adapter: 'CPU', kind: 'cpu', why: 'It is fast.', parameterCount: 1, tokensPerSecond: 2 } as const;
  expect(next({ jobId: 'tiny-000000', backend, reason: '' })).toEqual([
    'job tiny-000000',
    'training on CPU: It is fast.',
  ]);
  const exchange = { ...first.exchange, bytesSent: 4_194_304 };
  const done = { roundsAccepted: 1, loss: 2.5, tokensPerSecond: 12_345.6, tokensTrained: 640, exchange };
  expect(next(done)).toEqual([
    'round accepted (1 so far), loss 2.500, 12,346 tokens/s, 640 tokens, 0 peers, 4,096 KiB sent',
  ]);
  expect(next({ phase: 'finished', reason: 'tiny completed' })).toEqual(['finished: tiny completed']);
});

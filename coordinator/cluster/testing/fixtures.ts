// A manifest and members of a room, for tests.

import { parseManifest } from '../../../shared/manifest/manifest.ts';
import type { Member } from '../../../shared/rounds/types.ts';

export const manifest = parseManifest({
  apiVersion: 'loomos.ai/v1',
  kind: 'TrainingJob',
  metadata: { name: 'whale' },
  spec: {
    algorithm: 'lm',
    model: { kind: 'gpt' },
    data: { source: 'file:x' },
    runtime: { maxTokens: 1_000, maxDuration: '10s' },
  },
});

export function member(workerId: string, change: Partial<Member> = {}): Member {
  return {
    workerId,
    peerId: 'peer',
    kind: 'node',
    adapter: 'x',
    backend: { kind: 'cpu', adapter: 'x' },
    present: true,
    leftBecause: '',
    version: 2,
    paused: false,
    drains: null,
    tokensPerSecond: 100,
    holds: null,
    resyncs: 0,
    told: 0,
    misses: 0,
    restsUntil: 0,
    stuck: false,
    tokensAccepted: 5,
    roundsAccepted: 1,
    traffic: { bytesSent: 7, bytesReceived: 8, peers: 1 },
    ...change,
  };
}

// A room on a stage: tests speak the workers' lines and look at what the room answers. Time moves only when told.

import { sha256Hex, utf8 } from '../../bytes.ts';
import type { LedgerEventDraft } from '../../ledger/events.ts';
import { parseManifest } from '../../manifest/manifest.ts';
import type { Manifest } from '../../manifest/manifest.ts';
import type { Verification } from '../../manifest/verification.ts';
import { protocolVersion } from '../../protocol/messages.ts';
import type { RoomMessage, WorkerMessage } from '../../protocol/messages.ts';
import { newRoom, tick } from '../room.ts';
import type { RoomEffect, RoomEvent, RoomState } from '../types.ts';

type MessageOf<T extends RoomMessage['type']> = Extract<RoomMessage, { type: T }>;
type Hello = Extract<WorkerMessage, { type: 'hello' }>;
type Commit = Extract<WorkerMessage, { type: 'commit' }>;

export const noTraffic = { bytesSent: 0, bytesReceived: 0, peers: 0 };
export const [w1, w2, w3] = ['w-00000001', 'w-00000002', 'w-00000003'] as const;

/** A hash that stands for `text`. */
export function hashOf(text: string): string {
  return sha256Hex(utf8(text));
}

export interface ManifestOptions {
  min?: number;
  max?: number;
  rounds?: object;
  runtime?: object;
  optimizer?: object;
  verification?: Verification;
}

/** A job of 2 windows x 8 tokens a step, 10 steps a round. */
export function manifestWith({
  min = 2,
  max = 16,
  rounds = {},
  runtime = {},
  optimizer = {},
  verification = 'none',
}: ManifestOptions = {}): Manifest {
  return parseManifest({
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'test' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt', width: 16, context: 8 },
      data: { source: 'npm:text' },
      optimizer: { batchSize: 2, ...optimizer },
      rounds: { innerSteps: 10, compression: 'int8', ...rounds },
      resources: { workers: { min, max } },
      runtime: { maxTokens: 1e9, checkpointInterval: '1h', ...runtime },
      verification,
    },
  });
}

export class Stage {
  state: RoomState;
  now = 1_000_000;
  /** Everything the room did, in order. */
  readonly effects: RoomEffect[] = [];
  private latest = 0; // where the effects of the last event begin

  constructor(options: ManifestOptions = {}) {
    this.state = newRoom('j-test', manifestWith(options));
  }

  feed(event: RoomEvent): RoomEffect[] {
    this.latest = this.effects.length;
    const { state, effects } = tick(this.state, event, this.now);
    this.state = state;
    this.effects.push(...effects);
    return effects;
  }

  say(workerId: string, message: WorkerMessage): RoomEffect[] {
    return this.feed({ type: 'message', workerId, message });
  }

  hello(workerId: string, details: Partial<Hello> = {}): RoomEffect[] {
    const backend = { kind: 'cpu', adapter: 'CPU' } as const;
    const peerId = `peer-${workerId}`;
    const said = { token: 't', peerId, kind: 'node', backend, tokensPerSecond: 100, holds: null, ...details } as const;
    return this.say(workerId, { type: 'hello', version: protocolVersion, ...said });
  }

  applied(workerId: string, round: number, text = `state ${round}`): RoomEffect[] {
    return this.say(workerId, { type: 'applied', round, stateHash: hashOf(text), traffic: noTraffic });
  }

  commit(workerId: string, round: number, details: Partial<Commit> = {}): RoomEffect[] {
    const tokens = 16 * (this.state.open?.parts[workerId]?.assignment.steps ?? 10);
    const work = { bytes: 100, tokens, loss: 3, seconds: 1.6, validation: null, traffic: noTraffic };
    return this.say(workerId, { type: 'commit', round, hash: hashOf(`${workerId} ${round}`), ...work, ...details });
  }

  received(workerId: string, round: number, ...authors: string[]): RoomEffect[] {
    return this.say(workerId, {
      type: 'received',
      round,
      hashes: authors.map((author) => hashOf(`${author} ${round}`)),
    });
  }

  gone(workerId: string): RoomEffect[] {
    return this.feed({ type: 'gone', workerId, reason: 'socket closed' });
  }

  /** Lets the alarm go off, as often as it is set, until `ms` have passed. */
  pass(ms: number): void {
    const until = this.now + ms;
    while (this.state.wakeAt !== null && this.state.wakeAt <= until) {
      this.now = Math.max(this.now, this.state.wakeAt);
      this.feed({ type: 'wake' });
    }
    this.now = until;
  }

  /** Workers join, hold the initial state, and round 0 opens. */
  start(...workerIds: string[]): this {
    for (const id of workerIds) this.hello(id);
    for (const id of workerIds) this.applied(id, 0);
    return this;
  }

  /** All of them train, exchange, apply and agree: the round is over. */
  finishRound(round: number, ...workerIds: string[]): this {
    for (const id of workerIds) this.commit(id, round);
    for (const id of workerIds) this.received(id, round, ...workerIds);
    for (const id of workerIds) this.applied(id, round + 1);
    return this;
  }

  /** Messages of one type to this worker, broadcasts included; of the last event only. */
  heard<T extends RoomMessage['type']>(workerId: string, type: T): MessageOf<T>[] {
    return this.effects.slice(this.latest).flatMap((effect) => {
      const isForMe = effect.type === 'broadcast' || (effect.type === 'send' && effect.to === workerId);
      return isForMe && effect.message.type === type ? [effect.message as MessageOf<T>] : [];
    });
  }

  /** The data of every ledger event of one type so far. */
  recorded(type: LedgerEventDraft['type']): LedgerEventDraft['data'][] {
    return this.effects.flatMap((effect) =>
      effect.type === 'record' && effect.event.type === type ? [effect.event.data] : [],
    );
  }
}

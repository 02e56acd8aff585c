// Workers' exchanges in this process: PeerJS on node-datachannel over loopback, introduced by the signalling of a coordinator.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Peer } from '../../../shared/protocol/messages.ts';
import { startCoordinator } from '../../node/embed/embed.ts';
import type { Embedded } from '../../node/embed/embed.ts';
import { createPeer } from '../../node/rtc.ts';
import { LoomOSClient } from '../../sdk/client.ts';
import { submitTinyJob } from '../../worker/testing/tiny-job.ts';
import { PeerExchange } from '../peer-exchange.ts';
import type { PeerExchangeOptions } from '../peer-exchange.ts';

/** A relay in memory. */
export class MemoryRelay {
  readonly payloads = new Map<string, Uint8Array>();
  get = async (hash: string): Promise<Uint8Array | null> => this.payloads.get(hash) ?? null;
  put = async (hash: string, payload: Uint8Array): Promise<void> => void this.payloads.set(hash, payload);
}

export interface Tested {
  readonly exchange: PeerExchange;
  readonly peer: Peer;
  readonly arrived: string[]; // hashes
}

export class Exchanges {
  readonly coordinator: Embedded;
  readonly jobId: string; // whose signalling it is
  readonly data: string; // the coordinator's folder
  private readonly open: PeerExchange[] = [];
  private next = 0;

  private constructor(coordinator: Embedded, jobId: string, data: string) {
    this.coordinator = coordinator;
    this.jobId = jobId;
    this.data = data;
  }

  static async begin(): Promise<Exchanges> {
    const data = mkdtempSync(join(tmpdir(), 'loomos-mesh-'));
    const coordinator = await startCoordinator({ data, port: 0, page: false });
    const job = await submitTinyJob(new LoomOSClient(coordinator), { maxTokens: 1000 }, { min: 1, max: 1 });
    return new Exchanges(coordinator, job.id, data);
  }

  start(options: Partial<PeerExchangeOptions> = {}): Tested {
    const peerId = `peer-${String(this.next++).padStart(4, '0')}`;
    const arrived: string[] = [];
    const exchange = new PeerExchange({
      peerId,
      jobId: this.jobId,
      coordinator: new URL(this.coordinator.url),
      createPeer,
      relay: new MemoryRelay(),
      events: { onPayload: (_round, hash) => void arrived.push(hash), onLinks: () => undefined },
      ...options,
    });
    this.open.push(exchange);
    const workerId = `w-${peerId.replace('-', '')}`;
    return { exchange, arrived, peer: { workerId, peerId, kind: 'node', adapter: 'test', group: 0 } };
  }

  closeAll(): void {
    for (const exchange of this.open.splice(0)) exchange.close();
  }
}

export function introduce(...all: Tested[]): void {
  introduceOver(0, ...all);
}

/** @param dialMs over how long they dial each other */
export function introduceOver(dialMs: number, ...all: Tested[]): void {
  const peers = all.map(({ peer }) => peer);
  for (const { exchange } of all) exchange.setPeers(peers, 'mesh', dialMs);
}

export async function until(what: () => boolean, ms = 60_000): Promise<void> {
  await expect.poll(what, { timeout: ms, interval: 10 }).toBe(true);
}

export const linked = ({ exchange }: Tested, count: number): boolean =>
  exchange.stats().links.filter((link) => link.state === 'open').length === count;

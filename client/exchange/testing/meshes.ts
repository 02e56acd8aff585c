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
import { Mesh } from '../mesh.ts';
import type { MeshOptions } from '../mesh.ts';

/** A relay in memory. */
export class MemoryRelay {
  readonly payloads = new Map<string, Uint8Array>();
  get = async (hash: string): Promise<Uint8Array | null> => this.payloads.get(hash) ?? null;
  put = async (hash: string, payload: Uint8Array): Promise<void> => void this.payloads.set(hash, payload);
}

export interface Tested {
  readonly mesh: Mesh;
  readonly peer: Peer;
  readonly arrived: string[]; // hashes
}

export class Meshes {
  readonly coordinator: Embedded;
  readonly jobId: string; // whose signalling it is
  readonly data: string; // the coordinator's folder
  private readonly open: Mesh[] = [];
  private next = 0;

  private constructor(coordinator: Embedded, jobId: string, data: string) {
    this.coordinator = coordinator;
    this.jobId = jobId;
    this.data = data;
  }

  static async begin(): Promise<Meshes> {
    const data = mkdtempSync(join(tmpdir(), 'loomos-mesh-'));
    const coordinator = await startCoordinator({ data, port: 0, page: false });
    const job = await submitTinyJob(new LoomOSClient(coordinator), { maxTokens: 1000 }, { min: 1, max: 1 });
    return new Meshes(coordinator, job.id, data);
  }

  start(options: Partial<MeshOptions> = {}): Tested {
    const peerId = `peer-${String(this.next++).padStart(4, '0')}`;
    const arrived: string[] = [];
    const mesh = new Mesh({
      peerId,
      jobId: this.jobId,
      coordinator: new URL(this.coordinator.url),
      createPeer,
      relay: new MemoryRelay(),
      events: { onPayload: (_round, hash) => void arrived.push(hash), onLinks: () => undefined },
      ...options,
    });
    this.open.push(mesh);
    const workerId = `w-${peerId.replace('-', '')}`;
    return { mesh, arrived, peer: { workerId, peerId, kind: 'node', adapter: 'test', group: 0 } };
  }

  closeAll(): void {
    for (const mesh of this.open.splice(0)) mesh.close();
  }
}

export function introduce(...all: Tested[]): void {
  const peers = all.map(({ peer }) => peer);
  for (const { mesh } of all) mesh.setPeers(peers, 'mesh');
}

export async function until(what: () => boolean, ms = 60_000): Promise<void> {
  await expect.poll(what, { timeout: ms, interval: 10 }).toBe(true);
}

export const linked = ({ mesh }: Tested, count: number): boolean =>
  mesh.stats().links.filter((link) => link.state === 'open').length === count;

// What the signalling of a swarm has to carry when its groups are dealt anew: every link to a neighbour that is new is dialled
// by one of the two, at the moment at which client/exchange/links/neighbour.ts dials it, and at once as before protocol 4.

import { shardOf, signallingFor } from '../../../coordinator/cluster/door/shards.ts';
import type { Peer } from '../../../shared/protocol/messages.ts';
import { createRandom } from '../../../shared/random.ts';
import type { RoomEffect } from '../../../shared/rounds/types.ts';

/** Of one link: offer, answer and ten candidates, as coordinator/cluster/signalling.ts counts them. */
const signalsOfLink = 12;

export class Signals {
  private readonly shards: number;
  private readonly random = createRandom(1);
  private readonly linked = new Map<string, ReadonlySet<string>>(); // peer ids by worker
  private readonly spread = new Map<string, number>(); // by object and second
  private readonly atOnce = new Map<string, number>();

  constructor(workers: number) {
    this.shards = signallingFor(workers);
  }

  /** @param counts whether what is dialled now is counted, or only remembered */
  note(effects: readonly RoomEffect[], now: number, counts: boolean): void {
    for (const effect of effects) {
      if (effect.type !== 'send') continue;
      const { message } = effect;
      if (message.type === 'welcome') this.meet(effect.to, message.peers, now, 0, false);
      if (message.type === 'peers') this.meet(effect.to, message.peers, now, message.dialMs ?? 0, counts);
    }
  }

  /** The most that one object of signalling gets in a second. */
  peak(how: 'spread' | 'atOnce'): number {
    return [...this[how].values()].reduce((most, signals) => Math.max(most, signals), 0);
  }

  private meet(workerId: string, peers: readonly Peer[], now: number, dialMs: number, counts: boolean): void {
    const before = this.linked.get(workerId) ?? new Set();
    this.linked.set(workerId, new Set(peers.map(({ peerId }) => peerId)));
    const own = peers.find((peer) => peer.workerId === workerId);
    if (own === undefined || !counts) return;
    for (const { peerId } of peers) {
      if (peerId <= own.peerId || before.has(peerId)) continue; // whose id is smaller dials
      this.dial(this.spread, own.peerId, peerId, now + this.random.uniform() * dialMs);
      this.dial(this.atOnce, own.peerId, peerId, now);
    }
  }

  /** Half of the signals come in at the object of either peer. */
  private dial(signals: Map<string, number>, from: string, to: string, at: number): void {
    for (const peerId of [from, to]) {
      const key = `${shardOf(peerId, this.shards)} ${Math.floor(at / 1000)}`;
      signals.set(key, (signals.get(key) ?? 0) + signalsOfLink / 2);
    }
  }
}

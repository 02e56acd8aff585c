// What a virtual worker says when it comes, and what it decides by when it is told where the job stands.

import { protocolVersion } from '../../../protocol/messages.ts';
import type { RoomMessage, WorkerMessage } from '../../../protocol/messages.ts';
import type { Random } from '../../../random.ts';
import type { Malice } from '../scenario.ts';
import { hashFrom, virtualHash } from '../state.ts';
import type { VirtualState } from '../state.ts';

export type CatchUp = Extract<RoomMessage, { type: 'welcome' | 'resync' }>;

/** The first words on a connection. */
export function greeting(id: string, tokensPerSecond: number, holds: VirtualState | null): WorkerMessage {
  const backend = { kind: 'cpu', adapter: 'virtual' } as const;
  const about = { token: 't', peerId: `peer-${id}`, kind: 'node', backend, tokensPerSecond } as const;
  return { type: 'hello', version: protocolVersion, ...about, holds: holds && stateRef(holds) };
}

export function stateRef(state: VirtualState): { round: number; stateHash: string } {
  return { round: state.round, stateHash: virtualHash(state) };
}

/** Whether a state lies between the checkpoint and the current round, and is not known to be wrong. */
export function isOnTheWay(holds: VirtualState, { type, round, stateHash, checkpoint, log }: CatchUp): boolean {
  const base = checkpoint?.round ?? 0;
  if (holds.round < base || holds.round > round) return false;
  const logged = log.find((closed) => closed.round === holds.round - 1)?.stateHash ?? null;
  const expected = holds.round === round ? stateHash : holds.round === base ? (checkpoint?.stateHash ?? null) : logged;
  return expected === null ? type === 'welcome' : expected === virtualHash(holds);
}

/** What it commits: of its own work, unless it is one of those that save themselves the work. */
export function chooseHash(malice: Malice, held: readonly string[], last: string | null, random: Random): string {
  if (malice === 'copier' && held.length > 0) return held.at(-1)!;
  if (malice === 'replayer' && last !== null) return last;
  return hashFrom(random.uint32() * 2 ** 20 + random.below(2 ** 20));
}

// What a worker says that trains nothing: its state is a hash chain over the accepted contributions, so that states agree
// exactly when the same contributions were applied in the same order. Shared by tests and benchmarks.

import { sha256Hex, utf8 } from '../../bytes.ts';
import type { ClosedRound, RoomMessage, WorkerMessage } from '../messages.ts';

type Heard<T extends RoomMessage['type']> = Extract<RoomMessage, { type: T }>;
type Said<T extends WorkerMessage['type']> = Extract<WorkerMessage, { type: T }>;

export const stateZero = sha256Hex(utf8('the initial state'));
export const traffic = { bytesSent: 10, bytesReceived: 20, peers: 1 };

/** A round and the state it begins with. */
export interface ChainState {
  round: number;
  state: string;
}

export function payloadOf(workerId: string, round: number): string {
  return sha256Hex(utf8(`${workerId} in round ${round}`));
}

export function helloOf(workerId: string, token: string, version: number, { round, state }: ChainState): Said<'hello'> {
  return {
    type: 'hello',
    version,
    token,
    peerId: `peer-${workerId}`,
    kind: 'node',
    backend: { kind: 'cpu', adapter: 'no GPU' },
    tokensPerSecond: 1000,
    holds: round === 0 ? null : { round, stateHash: state },
  };
}

export function commitOf(round: number, hash: string, tokens: number): Said<'commit'> {
  const loss = 3 - round / 10;
  const validation = { loss, tokens: 100 };
  return { type: 'commit', round, hash, bytes: 100, tokens, loss, seconds: 1, validation, traffic };
}

/** What a worker becomes and says when it hears this, besides training and uploading. */
export interface Heeded {
  readonly chain: ChainState;
  readonly says: readonly WorkerMessage[];
}

export function heed(chain: ChainState, message: RoomMessage): Heeded {
  if (message.type === 'welcome' || message.type === 'resync') return holding(caughtUp(chain, message));
  if (message.type === 'committed') return { chain, says: [receivedOf(message)] };
  if (message.type === 'fold') return { chain, says: [foldedOf(message)] };
  if (message.type === 'close' && message.closed.round === chain.round) return holding(after(chain, [message.closed]));
  return { chain, says: [] };
}

function holding(chain: ChainState): Heeded {
  return { chain, says: [{ type: 'applied', round: chain.round, stateHash: chain.state, traffic }] };
}

function receivedOf({ round, contributions }: Heard<'committed'>): Said<'received'> {
  return { type: 'received', round, hashes: contributions.map(({ hash }) => hash) };
}

/** Stands for the payload that a group makes: a hash of what went into it. */
function foldedOf({ round, node, inputs }: Heard<'fold'>): Said<'folded'> {
  return { type: 'folded', round, node, hash: sha256Hex(utf8(inputs.map(({ hash }) => hash).join())), bytes: 100 };
}

/** The state after these rounds. */
function after({ round, state }: ChainState, rounds: readonly ClosedRound[]): ChainState {
  const hashes = rounds.map(({ accepted }) => accepted.map(({ hash }) => hash).join(''));
  return { round: round + rounds.length, state: hashes.reduce((last, text) => sha256Hex(utf8(last + text)), state) };
}

/** What a welcome or a resync leads to: the state that is held goes on where it is the right one. */
function caughtUp(
  held: ChainState,
  { checkpoint, log, round, stateHash }: Pick<Heard<'welcome'>, 'checkpoint' | 'log' | 'round' | 'stateHash'>,
): ChainState {
  const isRight = held.round === round && (stateHash === null || stateHash === held.state);
  const stored =
    checkpoint === null ? { round: 0, state: stateZero } : { round: checkpoint.round, state: checkpoint.stateHash };
  const start = isRight ? held : stored;
  return after(
    start,
    log.filter((closed) => closed.round >= start.round),
  );
}

// One tick in the making: the next state and the effects so far. A turn lives for one call of `tick`; the states it goes
// through share the records of members and parts that the turn has copied; states of other turns are never changed.

import type { ErrorCode } from '../errors.ts';
import type { LedgerEventDraft } from '../ledger/events.ts';
import type { RoomMessage } from '../protocol/messages.ts';
import type { Member, OpenRound, Part, RoomEffect, RoomState, RoundNode } from './types.ts';

export interface Turn {
  state: RoomState;
  readonly before: RoomState; // as it was when the turn began
  readonly now: number;
  readonly effects: RoomEffect[];
  /** Records that this turn has copied already: they are its own to change until it ends. */
  readonly own: Set<object>;
  /** Hashes committed in the open round, once someone has asked for them in this turn; the same of what groups made. */
  commits: Set<string> | null;
  folds: Set<string> | null;
  spent: Set<string> | null; // the same of what was accepted before
}

export function change(turn: Turn, patch: Partial<RoomState>): void {
  turn.state = { ...turn.state, ...patch };
}

export function changeMember(turn: Turn, id: string, patch: Partial<Member>): void {
  const members = ownCopy(turn, turn.state.members);
  members[id] = { ...members[id]!, ...patch };
  if (members !== turn.state.members) change(turn, { members });
}

/** A record is copied once a turn, not once a change: a turn may take thousands of messages. */
export function ownCopy<T extends object>(turn: Turn, record: T): T {
  if (turn.own.has(record)) return record;
  const copy = { ...record };
  turn.own.add(copy);
  return copy;
}

export function changeOpen(turn: Turn, patch: Partial<OpenRound>): void {
  change(turn, { open: { ...turn.state.open!, ...patch } });
}

export function changePart(turn: Turn, id: string, patch: Partial<Part>): void {
  const parts = ownCopy(turn, turn.state.open!.parts);
  parts[id] = { ...parts[id]!, ...patch };
  if (parts !== turn.state.open!.parts) changeOpen(turn, { parts });
}

export function changeNode(turn: Turn, index: number, patch: Partial<RoundNode>): void {
  const nodes = ownCopy(turn, turn.state.open!.nodes);
  nodes[index] = { ...nodes[index]!, ...patch };
  if (nodes !== turn.state.open!.nodes) changeOpen(turn, { nodes });
}

/** To one worker, if it is there. */
export function send(turn: Turn, to: string, message: RoomMessage): void {
  if (turn.state.members[to]?.present) turn.effects.push({ type: 'send', to, message });
}

export function broadcast(turn: Turn, message: RoomMessage): void {
  turn.effects.push({ type: 'broadcast', message });
}

type Draft<T extends LedgerEventDraft['type']> = Extract<LedgerEventDraft, { type: T }>;

export function record<T extends LedgerEventDraft['type']>(turn: Turn, type: T, data: Draft<T>['data']): void {
  const event = { type, version: 1, subject: turn.state.jobId, data } as Draft<T>;
  turn.effects.push({ type: 'record', event });
}

export interface Refusal {
  code: ErrorCode;
  message: string;
  where?: string;
  allowed?: string;
}

/** Tells a worker that its message was not taken, and counts it. */
export function refuse(turn: Turn, to: string, refusal: Refusal): void {
  turn.effects.push({ type: 'send', to, message: { type: 'refused', ...refusal } });
  countRefusal(turn, refusal.code);
}

/** Refuses a worker as a whole: says why and closes its socket. */
export function turnAway(turn: Turn, to: string, refusal: Refusal): void {
  refuse(turn, to, refusal);
  turn.effects.push({ type: 'disconnect', workerId: to, reason: refusal.message });
}

export function countRefusal(turn: Turn, code: string): void {
  const { refused } = turn.state;
  change(turn, { refused: { ...refused, [code]: (refused[code] ?? 0) + 1 } });
}

// What participants say during a round: "I am done" and "I have your payload".

import { maxPayloadBytes } from '../protocol/frame.ts';
import type { RoomMessage, WorkerMessage } from '../protocol/messages.ts';
import { maxEarly } from './limits.ts';
import { tokensPerStep } from './schedule.ts';
import { broadcast, changeMember, changeOpen, changePart, refuse, send } from './turn.ts';
import type { Refusal, Turn } from './turn.ts';
import type { Commit, OpenRound, Part, RoomState } from './types.ts';
import { holdersOf, isActive } from './views.ts';

type CommitMessage = Extract<WorkerMessage, { type: 'commit' }>;
type ReceivedMessage = Extract<WorkerMessage, { type: 'received' }>;

/** Takes a contribution's hash, once; a commit for a round that has closed meanwhile is ignored. */
export function commit(turn: Turn, id: string, message: CommitMessage): void {
  changeMember(turn, id, { traffic: message.traffic });
  const { open } = turn.state;
  if (message.round < turn.state.round) return;
  const part = open?.round === message.round ? open.parts[id] : undefined;
  if (open === null || part === undefined) {
    return refuse(turn, id, { code: 'conflict', message: `round ${message.round} did not ask this worker to train` });
  }
  if (part.commit?.hash === message.hash) return;
  const refusal = problemWith(turn.state, open, id, message);
  if (refusal !== null) return refuse(turn, id, refusal);
  if (part.commit !== null) withdraw(turn, id, open, part.commit.hash);
  accept(turn, id, message);
}

function problemWith(state: RoomState, open: OpenRound, id: string, message: CommitMessage): Refusal | null {
  const part = open.parts[id]!;
  const maxTokens = part.assignment.steps * tokensPerStep(state.manifest);
  if (message.tokens < 1 || message.tokens > maxTokens) {
    const allowed = `1 to ${maxTokens}`;
    return { code: 'invalid_message', message: `${message.tokens} tokens`, where: 'tokens', allowed };
  }
  if (message.bytes < 1 || message.bytes > maxPayloadBytes) {
    const allowed = `1 to ${maxPayloadBytes}`;
    return { code: 'invalid_message', message: `payload of ${message.bytes} bytes`, where: 'bytes', allowed };
  }
  if (Object.values(open.parts).some((other) => other.commit?.hash === message.hash)) {
    return { code: 'conflict', message: 'another worker committed the same payload' };
  }
  const held = part.commit === null ? [] : holdersOf(state, open, part.commit.hash).filter((holder) => holder !== id);
  return held.length === 0 ? null : { code: 'conflict', message: 'an earlier commit of this round is with the peers' };
}

/** A payload that nobody has any more: its commit is as if it had never been. */
function withdraw(turn: Turn, id: string, open: OpenRound, hash: string): void {
  const without = (part: Part): Part => ({ ...part, received: part.received.filter((held) => held !== hash) });
  changeOpen(turn, { parts: mapParts(open, without) });
  changePart(turn, id, { commit: null });
}

function accept(turn: Turn, id: string, { hash, bytes, tokens, loss, seconds, validation }: CommitMessage): void {
  const commit: Commit = { hash, bytes, tokens, loss, validation };
  changePart(turn, id, { commit, early: [...turn.state.open!.parts[id]!.early, hash] });
  changeOpen(turn, { progressAt: turn.now, parts: mapParts(turn.state.open!, (part) => welcomeEarly(part, hash)) });
  if (seconds > 0) noteSpeed(turn, id, tokens / seconds);
  broadcast(turn, committed(turn.state.round, id, commit));
}

function mapParts(open: OpenRound, change: (part: Part) => Part): Record<string, Part> {
  return Object.fromEntries(Object.entries(open.parts).map(([id, part]) => [id, change(part)]));
}

/** The payload arrived here before the room heard of it. */
function welcomeEarly(part: Part, hash: string): Part {
  if (!part.early.includes(hash)) return part;
  return { ...part, early: part.early.filter((other) => other !== hash), received: [...part.received, hash] };
}

/** Half of what is known, half of what was measured now. */
function noteSpeed(turn: Turn, id: string, measured: number): void {
  const { tokensPerSecond } = turn.state.members[id]!;
  changeMember(turn, id, { tokensPerSecond: tokensPerSecond > 0 ? (tokensPerSecond + measured) / 2 : measured });
}

function committed(round: number, workerId: string, { hash, bytes, tokens }: Commit): RoomMessage {
  return { type: 'committed', round, contribution: { workerId, hash, bytes, tokens } };
}

/** Notes which payloads of the open round have arrived at a participant. */
export function received(turn: Turn, id: string, message: ReceivedMessage): void {
  const { open } = turn.state;
  const part = open?.round === message.round ? open.parts[id] : undefined;
  if (open === null || part === undefined) return;
  const known = new Set([...part.received, ...part.early]);
  const fresh = [...new Set(message.hashes)].filter((hash) => !known.has(hash));
  if (fresh.length === 0) return;
  const committedHashes = new Set(Object.values(open.parts).map((other) => other.commit?.hash));
  const early = [...part.early, ...fresh.filter((hash) => !committedHashes.has(hash))].slice(0, maxEarly);
  changePart(turn, id, { early, received: [...part.received, ...fresh.filter((hash) => committedHashes.has(hash))] });
  changeOpen(turn, { progressAt: turn.now });
}

/** Tells a worker that came back, or has just caught up, what it may have missed of the open round. */
export function remind(turn: Turn, id: string): void {
  const { open, members } = turn.state;
  if (open === null) return;
  withdrawLost(turn, id, open);
  for (const [author, part] of Object.entries(turn.state.open!.parts)) {
    if (part.commit !== null) send(turn, id, committed(open.round, author, part.commit));
  }
  const part = turn.state.open!.parts[id];
  if (part?.commit === null && isActive(members[id])) send(turn, id, { type: 'assign', assignment: part.assignment });
}

/** It lost its memory, and its payload with it: it trains again. */
function withdrawLost(turn: Turn, id: string, open: OpenRound): void {
  const commit = open.parts[id]?.commit ?? null;
  if (commit !== null && holdersOf(turn.state, open, commit.hash).length === 0) withdraw(turn, id, open, commit.hash);
}

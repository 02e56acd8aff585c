// A worker cannot get a payload from its peers. One holder after the other is asked to put it on the relay; when none is
// left, the worker is stuck until the next checkpoint, and if nobody holds the state any more the job goes back.

import type { WorkerMessage } from '../../protocol/messages.ts';
import { resync } from './agree.ts';
import { relayRetryMs, patientRewindMs, rewindMs } from '../limits.ts';
import { change, changeMember, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import { holdersOfParts } from '../closing/add.ts';
import { noteWord } from '../closing/collect.ts';
import { foldHolders } from '../closing/fold.ts';
import type { OpenRound, RoomState } from '../types.ts';
import { holdersOf, isActive } from '../views.ts';
import { rewind } from './rewind.ts';

type Missing = Extract<WorkerMessage, { type: 'missing' }>;

export function missing(turn: Turn, id: string, { round, hashes }: Missing): void {
  const { checkpoint, open } = turn.state;
  if (open?.round === round) noteWord(turn, id);
  if (round < (checkpoint?.round ?? 0)) return resync(turn, id, `round ${round} is in the checkpoint now`);
  const authors = authorsIn(turn.state, round);
  for (const hash of new Set(hashes)) {
    const author = authors.get(hash);
    if (author !== undefined) askForRelay(turn, id, round, hash, author);
    else if (open?.round !== round) return resync(turn, id, `round ${round} has no payload ${hash}`);
  }
}

/** Who made the payloads of a round, open or closed, by hash. */
function authorsIn(state: RoomState, round: number): Map<string, string> {
  const closed = state.log.find((entry) => entry.round === round);
  if (closed !== undefined) return new Map(closed.accepted.map(({ hash, workerId }) => [hash, workerId]));
  if (state.open?.round !== round) return new Map();
  const { parts, nodes } = state.open;
  const folds = Object.values(nodes).flatMap(({ fold }) =>
    fold === null ? [] : [[fold.hash, fold.workerId] as const],
  );
  const commits = Object.entries(parts).flatMap(([id, { commit }]) =>
    commit === null ? [] : [[commit.hash, id] as const],
  );
  return new Map([...commits, ...folds, ...holdersOfParts(state.open)]);
}

function askForRelay(turn: Turn, id: string, round: number, hash: string, author: string): void {
  const { times, at } = turn.state.asked[hash] ?? { times: 0, at: -Infinity };
  if (turn.now - at < relayRetryMs) return;
  const holders = likelyHolders(turn.state, id, round, hash, author);
  const holder = holders[times];
  if (holder !== undefined) send(turn, holder, { type: 'relay', round, hashes: [hash] });
  else if (round < turn.state.round) changeMember(turn, id, { stuck: true });
  change(turn, {
    asked: { ...turn.state.asked, [hash]: { times: holder === undefined ? 0 : times + 1, at: turn.now } },
  });
}

/** The author first, then whoever should have the payload: participants that reported it, or members that applied it. */
function likelyHolders(state: RoomState, id: string, round: number, hash: string, author: string): string[] {
  const ids =
    state.open?.round === round
      ? [...holdersOf(state, state.open, hash, author), ...foldersOf(state, state.open, hash)]
      : Object.keys(state.members).filter((other) => (state.members[other]!.holds?.round ?? 0) > round);
  return [...new Set([author, ...ids])].filter((other) => other !== id && state.members[other]?.present);
}

function foldersOf(state: RoomState, open: OpenRound, hash: string): string[] {
  const node = Object.values(open.nodes).find(({ fold }) => fold?.hash === hash);
  return node === undefined ? [] : foldHolders(state, node);
}

/** Goes back when the state is lost: for a while nobody present holds it, and someone cannot rebuild it from the log. */
export function rewindWhenLost(turn: Turn): void {
  const { state, now } = turn;
  const present = Object.values(state.members).filter((member) => member.present);
  const isLost =
    present.some((member) => member.stuck) && !present.some((member) => member.holds?.round === state.round);
  if (isLost !== (state.lostSince !== null)) change(turn, { lostSince: isLost ? now : null });
  if (now >= rewindDueAt(turn.state)) rewind(turn);
}

/** When the job goes back; Infinity while the state is not lost. */
export function rewindDueAt({ lostSince, members }: RoomState): number {
  if (lostSince === null) return Infinity;
  const someMayManage = Object.values(members).some((member) => isActive(member) && !member.stuck);
  return lostSince + (someMayManage ? patientRewindMs : rewindMs);
}

// Who works with whom, as the room keeps it: newcomers get a place at once, groups are dealt anew now and then, and whoever
// has other neighbours than before is told. Nobody is told of workers that it does not work with.

import { fnv1a } from '../../fnv.ts';
import { median } from '../../median.ts';
import { topologySettings } from '../../manifest/topology.ts';
import type { Peer } from '../../protocol/messages.ts';
import { chooseTopology } from '../../topology/choose.ts';
import type { Measured } from '../../topology/choose.ts';
import { deal, neighbourhoods, placed } from '../../topology/overlay.ts';
import type { Overlay } from '../../topology/overlay.ts';
import { couldAddUp } from '../closing/add.ts';
import { dialMsEach, introduceMs, largeSwarm, maxDialMs, settlingMs } from '../limits.ts';
import { change, changeMember, send } from '../turn.ts';
import type { Turn } from '../turn.ts';
import type { Member, RoomState } from '../types.ts';
import { isVerified, staleness } from '../views.ts';

const dealing = 0x6e7; // the random stream that deals groups

/** A newcomer is put into the smallest group, or begins one where all are full; who was here before keeps its place. */
export function givePlace(turn: Turn, id: string): void {
  const { overlay, manifest } = turn.state;
  if (overlay.groups.some((group) => group.includes(id))) return;
  const { kind, groupSize } = topologySettings(manifest.spec.rounds.topology);
  const capacity = kind === 'mesh' || kind === 'ring' ? Infinity : largest(groupSize);
  change(turn, { overlay: { ...overlay, groups: placed(overlay.groups, id, capacity) } });
}

/** Groups may grow by half before they are dealt anew. */
function largest(groupSize: number): number {
  return Math.ceil(1.5 * groupSize);
}

/** Deals the groups anew when that is due, when there are too many for what they are, or one is nearly empty. */
export function regroup(turn: Turn, participants: readonly string[]): void {
  const { state } = turn;
  const settings = topologySettings(isPlain(state) ? 'mesh' : state.manifest.spec.rounds.topology);
  const choice = chooseTopology(settings, measured(state, participants.length), state.overlay.kind);
  const { groupSize, branching } = choice;
  const kind = choice.kind === 'ring' && couldAddUp(state, participants) ? 'mesh' : choice.kind; // pieces go from all to all
  const isWhole = kind === 'mesh' || kind === 'ring';
  const size = isWhole ? Infinity : groupSize;
  if (kind === state.overlay.kind && isStillGood(state, participants, size, settings.reshuffle)) return;
  const present = Object.values(state.members).filter((member) => member.present);
  const rest = present.map(({ workerId }) => workerId).filter((id) => !participants.includes(id));
  const dealt = isWhole
    ? [[...participants]]
    : deal(participants, size, state.manifest.spec.seed, state.round, state.attempts, dealing);
  const groups = rest.reduce<(readonly string[])[]>(
    (placing, id) => placed(placing, id, isWhole ? Infinity : largest(size)),
    dealt,
  );
  change(turn, { overlay: { kind, groups, branching, since: state.round } });
}

/** Where workers are checked, or nobody waits for the slow, all must see all; and workers of protocol 1 know nothing of groups. */
function isPlain(state: RoomState): boolean {
  return (
    isVerified(state) ||
    staleness(state) > 0 ||
    Object.values(state.members).some(({ present, version }) => present && version < 2)
  );
}

function isStillGood(
  { overlay, round, attempts }: RoomState,
  participants: readonly string[],
  size: number,
  reshuffle: number,
) {
  const isIn = new Set(participants);
  const sizes = overlay.groups.map((group) => group.filter((id) => isIn.has(id)).length);
  if (sizes.reduce((a, b) => a + b, 0) < participants.length) return false;
  if (size === Infinity) return overlay.groups.length === 1 && overlay.groups[0]!.length <= 2 * participants.length;
  const isFit = sizes.every((count) => count >= Math.min(size, Math.max(2, size / 2)) && count <= largest(size));
  return isFit && attempts === 0 && round < overlay.since + reshuffle;
}

function measured(state: RoomState, workers: number): Measured {
  const last = state.log.at(-1)?.accepted.find(({ folds }) => folds === undefined);
  const speeds = Object.values(state.members).flatMap(
    ({ present, traffic }) => (present && traffic.bytesPerSecond) || [],
  );
  return {
    workers,
    payloadBytes: last?.bytes ?? 0,
    bytesPerSecond: speeds.length === 0 ? 0 : median(speeds),
    roundMs: state.recentRoundMs.length === 0 ? 0 : median(state.recentRoundMs),
  };
}

/**
 * Tells those whose neighbours have changed. In a small swarm at once, in a large one now and then, because whoever looks at
 * all links for every worker that comes or goes has nothing else to do.
 */
export function introduce(turn: Turn): void {
  const { before, state, now } = turn;
  if (before.overlay !== state.overlay || presenceChanged(before, state))
    change(turn, { introduceAt: dueAt(state, now) });
  const { introduceAt } = turn.state;
  if (introduceAt === null || now < introduceAt) return;
  const news = newNeighbours(state);
  const dialMs = dialSpanMs(state, news.length);
  for (const { id, told, peers } of news) {
    send(turn, id, { type: 'peers', topology: state.overlay.kind, peers, ...(dialMs > 0 && { dialMs }) });
    changeMember(turn, id, { told });
  }
  change(turn, { introduceAt: null });
}

/** Who has other neighbours than it was last told of. */
function newNeighbours(state: RoomState): { id: string; told: number; peers: Peer[] }[] {
  const groups = groupsOf(state.overlay);
  const linked = neighbourhoods(state.overlay, (other) => isHere(state, other));
  return [...linked].flatMap(([id, others]) => {
    const ids = [...others].toSorted();
    const seen = ids.map((other) => `${state.members[other]!.peerId} ${groups.get(other)}`);
    const told = fnv1a(seen.join() + state.overlay.kind);
    if (state.members[id]!.told === told) return [];
    return [{ id, told, peers: ids.map((other) => asPeer(state.members[other]!, groups.get(other)!)) }];
  });
}

/** Over how long the links of so many workers are dialled: 0, at once, where they are few. */
function dialSpanMs({ recentRoundMs }: RoomState, workers: number): number {
  if (workers < largeSwarm) return 0;
  const mostMs = recentRoundMs.length === 0 ? settlingMs : Math.min(maxDialMs, median(recentRoundMs) / 2);
  return Math.round(Math.min(mostMs, dialMsEach * workers));
}

function dueAt({ members, introduceAt }: RoomState, now: number): number {
  return Object.keys(members).length < largeSwarm ? now : (introduceAt ?? now + introduceMs);
}

function presenceChanged(before: RoomState, { members }: RoomState): boolean {
  if (before.members === members) return false;
  const ids = Object.keys(members);
  if (ids.length !== Object.keys(before.members).length) return true;
  return ids.some((id) => appearance(before.members[id]) !== appearance(members[id]));
}

function appearance(member: Member | undefined): string {
  return member?.present === true ? member.peerId : '';
}

function isHere({ members }: RoomState, id: string): boolean {
  return members[id]?.present === true;
}

/** Present members of this one's group, itself included. Those it meets for its group it hears of next. */
export function matesNow(state: RoomState, id: string): Peer[] {
  const group = state.overlay.groups.findIndex((ids) => ids.includes(id));
  const present = (state.overlay.groups[group] ?? []).filter((other) => isHere(state, other));
  return present.map((other) => asPeer(state.members[other]!, group));
}

function groupsOf({ groups }: Overlay): Map<string, number> {
  return new Map(groups.flatMap((ids, group) => ids.map((id): [string, number] => [id, group])));
}

function asPeer({ workerId, peerId, kind, adapter }: Member, group: number): Peer {
  return { workerId, peerId, kind, adapter, group };
}

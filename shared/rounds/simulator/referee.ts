// What must hold after every step of a room, whatever happened. The referee keeps books of its own, from the ledger events
// and from the messages the room took, and compares; it shares no code with the rules it checks.

import type { LedgerEventDraft } from '../../ledger/events.ts';
import type { AcceptedContribution, RoomMessage, WorkerMessage } from '../../protocol/messages.ts';
import { maxStateHashes } from '../limits.ts';
import type { Member, RoomEvent, RoomState, Tick } from '../types.ts';
import type { Scenario } from './scenario.ts';
import { applyRound, foldHash, initialState, joinHash, pieceHash, sumHash, virtualHash } from './state.ts';
import type { VirtualState } from './state.ts';

type Closed = Extract<LedgerEventDraft, { type: 'round.closed' }>['data'];

type MaybeFolded = Pick<AcceptedContribution, 'hash' | 'folds'>;

interface BookedRound {
  closed: Closed;
  stateHash: string | null; // agreed after it
}

const patienceMs = 15 * 60_000;

export class Referee {
  private readonly scenario: Scenario;
  private readonly rounds: BookedRound[] = [];
  private readonly commits = new Set<string>(); // who committed which hash for which round
  private readonly holders = new Map<string, Set<string>>(); // who said to have a payload
  private readonly spoke = new Set<string>(); // who said anything of its part in which round, since that opened
  private readonly joined = new Set<string>();
  private readonly once = new Set<string>();
  private readonly folds = new Map<string, readonly AcceptedContribution[]>(); // what a payload of a group was made of
  private readonly isHonest: boolean;
  private progressAt = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.isHonest = scenario.workers.every((worker) => worker.corruption === 0);
  }

  /** @throws Error naming the seed and what is wrong. */
  check(before: RoomState, events: readonly RoomEvent[], after: Tick, now: number): void {
    const { state, effects } = after;
    for (const event of events) if (event.type === 'message') this.noteMessage(event.workerId, event.message, state);
    const records = effects.flatMap((effect) => (effect.type === 'record' ? [effect.event] : []));
    for (const draft of records) this.noteEvent(draft, state);
    if (records.length > 0) this.progressAt = now;
    if (events.length === 1) this.checkReceivers(after);
    this.checkEffects(after, now);
    if (records.length > 0 || state.log !== before.log || state.tokens !== before.tokens) this.checkBooks(state);
    if (state.open?.openedAt !== before.open?.openedAt) this.spoke.clear();
    this.checkShape(before, state);
    this.checkProgress(state, now);
    freezePlainData(state, (problem) => this.fail(problem));
  }

  /** Only a job that ran out of time before its first round may fail. */
  checkEnd({ phase, reason, round, tokens }: RoomState): void {
    const isTooLate = phase === 'failed' && tokens === 0 && this.scenario.manifest.spec.runtime.maxTokens === undefined;
    this.demand(phase === 'completed' || isTooLate, `the job ended in round ${round} as ${phase}: ${reason}`);
  }

  private noteMessage(workerId: string, message: WorkerMessage, state: RoomState): void {
    const saysOfItsPart =
      message.type === 'received' ||
      message.type === 'missing' ||
      (message.type === 'commit' && !this.mayLie(workerId)); // may be refused
    if (saysOfItsPart) this.spoke.add(`${workerId} ${message.round}`);
    if (message.type === 'commit') {
      this.commits.add(`${message.hash} ${workerId} ${message.round}`);
      this.addHolder(message.hash, workerId);
    }
    if (message.type === 'folded') this.addHolder(message.hash, workerId);
    if (message.type === 'received') for (const hash of message.hashes) this.addHolder(hash, workerId);
    if (message.type !== 'hello') return;
    // One whose state is found wrong in the same step has its payloads still: it begins again from those of the log.
    if (message.holds === null) for (const ids of this.holders.values()) ids.delete(workerId);
    if (state.members[workerId]?.holds === null) this.spoke.delete(`${workerId} ${state.round}`);
  }

  private addHolder(hash: string, workerId: string): void {
    this.holders.set(hash, (this.holders.get(hash) ?? new Set()).add(workerId));
  }

  private noteEvent(draft: LedgerEventDraft, state: RoomState): void {
    switch (draft.type) {
      case 'round.closed':
        return this.noteClosed(draft.data, state);
      case 'round.agreed':
        return this.noteAgreed(draft.data.round, draft.data.stateHash);
      case 'round.rewound':
        this.demand(draft.data.from === this.rounds.length && draft.data.to <= draft.data.from, 'a wrong way back');
        this.rounds.length = draft.data.to;
        return;
      case 'worker.joined':
        this.demand(!this.joined.has(draft.data.workerId), `${draft.data.workerId} joined twice`);
        this.joined.add(draft.data.workerId);
        return;
      case 'worker.left':
        return this.demand(this.joined.delete(draft.data.workerId), `${draft.data.workerId} left twice`);
      case 'checkpoint.stored':
        return this.demand(
          this.agreedBefore(draft.data.round) === draft.data.stateHash,
          'a checkpoint of another state',
        );
      case 'artifact.stored':
        return this.demand(
          this.agreedBefore(draft.data.round) === draft.data.stateHash,
          'an artifact of another state',
        );
      case 'contribution.refused':
      case 'shard.audited':
      case 'checkpoint.refused':
        return;
      case 'worker.quarantined':
      case 'worker.released':
      case 'worker.banned':
        return this.demand(this.mayLie(draft.data.workerId), `${draft.type}: honest ${draft.data.workerId}`);
      default:
        this.demand(!this.once.has(draft.type), `${draft.type} twice`);
        this.once.add(draft.type);
        return this.demand(draft.type !== 'job.finished' || state.endedAt !== null, 'an end without a time');
    }
  }

  private mayLie(workerId: string): boolean {
    return this.scenario.workers[Number(workerId.slice(2))]!.malice !== 'none';
  }

  private noteClosed(closed: Closed, state: RoomState): void {
    this.demand(
      closed.round === this.rounds.length,
      `round ${closed.round} closed after round ${this.rounds.length - 1}`,
    );
    this.demand(this.rounds.at(-1)?.stateHash !== null, `round ${closed.round} was trained without an agreed state`);
    this.demand(closed.accepted.length > 0, `round ${closed.round} closed with nothing`);
    const earlier = new Set(this.rounds.flatMap((round) => round.closed.accepted.map(({ hash }) => hash)));
    const { staleness: most } = this.scenario.manifest.spec.rounds;
    for (const { workerId, hash, staleness = 0 } of closed.accepted) {
      const from = closed.round - staleness;
      this.demand(staleness <= most, `${hash} is ${staleness} rounds late`);
      this.demand(this.commits.has(`${hash} ${workerId} ${from}`), `${hash} was not committed by ${workerId}`);
      this.demand(!earlier.has(hash), `${hash} was accepted twice`);
      earlier.add(hash);
    }
    const applied = closed.applied ?? closed.accepted;
    for (const { hash } of applied) this.checkAvailable(hash, closed, state);
    if (this.isHonest) this.checkFolds(closed, applied);
    const workers = new Set(closed.accepted.map(({ workerId }) => workerId));
    this.demand(workers.size === closed.accepted.length, `a worker was accepted twice in round ${closed.round}`);
    this.rounds.push({ closed, stateHash: null });
  }

  /** What is applied has every accepted contribution in it, once. After a rewind a copier may hand in what a group made before. */
  private checkFolds({ accepted, round }: Closed, applied: readonly MaybeFolded[]): void {
    const unfolded = ({ hash, folds }: MaybeFolded): string[] =>
      folds === undefined ? [hash] : (this.folds.get(hash)?.flatMap(unfolded) ?? [hash]);
    const inside = applied.flatMap(unfolded).toSorted();
    const listed = accepted.map(({ hash }) => hash).toSorted();
    this.demand(inside.join() === listed.join(), `round ${round} applies something else than it accepts`);
  }

  /** Two present workers have it, or every participant at work has that kept up and is not silent. */
  private checkAvailable(hash: string, closed: Closed, state: RoomState): void {
    const present = [...this.holders.get(hash)!].filter((id) => state.members[id]?.present);
    const atWork = [...closed.accepted.map(({ workerId }) => workerId), ...closed.late].filter((id) => {
      const member = state.members[id];
      const isAwake = member?.present && !member.paused && this.spoke.has(`${id} ${closed.round}`);
      return isAwake && member.holds?.round === closed.round;
    });
    const allHaveIt = atWork.every((id) => present.includes(id));
    this.demand(
      present.length >= 2 || (present.length === 1 && allHaveIt),
      `${hash} was accepted but is with ${present.length} workers`,
    );
  }

  private noteAgreed(round: number, stateHash: string): void {
    const last = this.rounds.at(-1);
    this.demand(
      last !== undefined && round === this.rounds.length - 1,
      `agreed on round ${round}, which is not the last`,
    );
    this.demand(last!.stateHash === null, `two state hashes for round ${round}`);
    last!.stateHash = stateHash;
    if (this.isHonest)
      this.demand(stateHash === virtualHash(this.trueState()), `agreed on a wrong state after round ${round}`);
  }

  private trueState(): VirtualState {
    return this.rounds.reduce((state, { closed }) => {
      const { round, applied, accepted } = closed;
      return applyRound(state, { round, accepted: (applied ?? accepted) as AcceptedContribution[], stateHash: null });
    }, initialState);
  }

  private agreedBefore(round: number): string | null {
    return this.rounds[round - 1]?.stateHash ?? null;
  }

  /** Of several events taken together, a later one may be that the receiver of an answer to an earlier one went away. */
  private checkReceivers({ state, effects }: Tick): void {
    for (const effect of effects) {
      if (effect.type === 'send' && effect.message.type === 'released') this.checkReleased(effect.to, state);
      if (effect.type !== 'send' || effect.message.type === 'refused' || effect.message.type === 'finish') continue;
      this.demand(state.members[effect.to]?.present === true, `${effect.message.type} was sent to someone absent`);
    }
  }

  /** Others can do without it: the state does not leave with it, nor does work that it was asked for. */
  private checkReleased(workerId: string, { round, stateHash, checkpoint, members, open, ahead }: RoomState): void {
    const holdsIt = ({ present, holds }: Member): boolean =>
      present && holds?.round === round && (stateHash === null || holds.stateHash === stateHash);
    const isKept = Object.values(members).some((member) => member.drains === null && holdsIt(member));
    const isStored = round === 0 || checkpoint?.round === round;
    this.demand(isKept || isStored || !holdsIt(members[workerId]!), `${workerId} was let go with the state`);
    const isAtWork = open?.parts[workerId] !== undefined || ahead[workerId] !== undefined;
    this.demand(!isAtWork, `${workerId} was let go in the middle of its work`);
  }

  private checkEffects({ effects }: Tick, now: number): void {
    for (const effect of effects) {
      if (effect.type === 'wake-at') this.demand(effect.at > now, 'an alarm in the past');
      if (effect.type === 'send' && effect.message.type === 'fold')
        this.folds.set(foldHash(effect.message.inputs), effect.message.inputs);
      if (effect.type === 'send' && effect.message.type === 'sum') this.noteSum(effect.message);
    }
    const turnedAway = effects.some(
      (effect) => effect.type === 'send' && effect.message.type === 'refused' && effect.message.code === 'forbidden',
    );
    const someLie = this.scenario.workers.some(({ malice }) => malice === 'liar');
    this.demand(!turnedAway || !this.isHonest || someLie, 'an honest worker was turned away');
  }

  private noteSum({ inputs, segments }: Extract<RoomMessage, { type: 'sum' }>): void {
    const piecesOf = (segment: number): string[] => inputs.map(({ hash }) => pieceHash(hash, segment));
    const sums = Array.from({ length: segments }, (_, segment) => sumHash(inputs, piecesOf(segment)));
    this.folds.set(joinHash(sums), inputs);
  }

  private checkBooks(state: RoomState): void {
    const accepted = this.rounds.flatMap((round) => round.closed.accepted);
    const tokens = accepted.reduce((sum, contribution) => sum + contribution.tokens, 0);
    this.demand(state.round === this.rounds.length, `round ${state.round} after ${this.rounds.length} closed rounds`);
    this.demand(state.tokens === tokens, `${state.tokens} tokens, but ${tokens} were accepted`);
    const { maxTokens = Infinity } = this.scenario.manifest.spec.runtime;
    this.demand(tokens <= maxTokens, `${tokens} tokens are more than asked for`);
    const accounts = Object.values(state.members).reduce((sum, member) => sum + member.tokensAccepted, 0);
    this.demand(accounts === tokens, `the accounts hold ${accounts} of ${tokens} tokens`);
    const logged = state.log.map(({ round, stateHash }) => `${round} ${stateHash}`).join();
    const booked = this.rounds
      .slice(state.checkpoint?.round ?? 0)
      .map(({ closed, stateHash }) => `${closed.round} ${stateHash}`);
    this.demand(logged === booked.join(), `the log has ${logged} instead of ${booked.join()}`);
    const hashes = this.rounds.flatMap(({ stateHash }) => (stateHash === null ? [] : [stateHash]));
    const remembered = hashes.slice(Math.max(0, hashes.length - maxStateHashes));
    this.demand(state.stateHashes.join() === remembered.join(), 'the state hashes are not those that were agreed');
  }

  private checkShape(before: RoomState, state: RoomState): void {
    this.demand((state.stateHash === null) === (state.agreement !== null), 'agreed and still agreeing');
    this.demand(state.open === null || state.open.round === state.round, 'another round is open');
    this.demand(state.open === null || state.stateHash !== null, 'a round is open without an agreed state');
    this.demand(
      state.fence >= before.fence && (state.lease?.fence ?? state.fence) === state.fence,
      'a fence that does not grow',
    );
    this.demand((state.checkpoint?.round ?? 0) <= state.round, 'a checkpoint ahead of the job');
  }

  private checkProgress(state: RoomState, now: number): void {
    if (this.progressAt === 0) this.progressAt = now;
    if (state.endedAt !== null) return;
    this.demand(state.wakeAt !== null || state.reason !== '', 'nothing will happen, and no reason is given');
    const isIdle = now - this.progressAt > patienceMs;
    this.demand(
      !isIdle || state.reason !== '',
      `nothing has happened for ${now - this.progressAt} ms, and no reason is given`,
    );
  }

  private demand(holds: boolean, otherwise: string): void {
    if (!holds) this.fail(otherwise);
  }

  private fail(problem: string): never {
    throw new Error(`seed ${this.scenario.seed}: ${problem}`);
  }
}

/** Freezes what is new in a state, so that a step that changes an earlier state throws, and looks for what JSON cannot hold. */
function freezePlainData(value: unknown, complain: (problem: string) => void): void {
  if (typeof value === 'number' && !Number.isFinite(value)) complain(`${value} in the state`);
  if (value === undefined || typeof value === 'function') complain(`${typeof value} in the state`);
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freezePlainData(part, complain);
}

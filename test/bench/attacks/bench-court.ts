// The court of shared/verification with everyone it asks in this process. Honest workers say what they measured; liars say that
// other liars are right and that honest workers are wrong, as long as their word counts.

import { verificationSettings } from '../../../shared/manifest/verification.ts';
import type { Verification, VerificationSettings } from '../../../shared/manifest/verification.ts';
import { createRandom } from '../../../shared/random.ts';
import { compare, isSameShard, unlike } from '../../../shared/verification/compare.ts';
import type { Likeness } from '../../../shared/verification/compare.ts';
import {
  convene,
  gateRuled,
  isGood,
  newCourt,
  sentencesBetween,
  standingOf,
  testified,
} from '../../../shared/verification/court.ts';
import type { Court } from '../../../shared/verification/court.ts';
import { credence, gateProbability } from '../../../shared/verification/standing.ts';
import type { Shard } from '../../../shared/verification/trial.ts';
import { awaited, heard, openGate, rule, widen } from '../../../shared/verification/gate.ts';
import type { Gate } from '../../../shared/verification/gate.ts';
import type { Decoded, Sent } from './attacked-swarm.ts';

/**
 * What liars say of the work of others: falsely is that liars are right and honest workers wrong; in audits, not in the gate; later
 * on, once their own work was found right or after some rounds. Vouching is to find liars' work right where no jury is asked, and
 * else to tell the truth.
 */
export type Judging =
  | 'truly'
  | 'falsely'
  | 'falsely later on'
  | 'falsely in audits'
  | 'falsely in audits later on'
  | 'vouching'
  | 'vouching later on';

/** What checking found and cost. */
export interface Checks {
  honestBanned: number;
  liarsBanned: number;
  liarsAudited: number; // of those that sent wrong work, how many had a wrong shard audited
  slowestBan: number; // rounds from the first audit of a liar's wrong shard to its ban, or to the end, the longest of all
  lastBan: number; // round
  computedAgain: number; // shards
  computed: number;
  gateTokens: number; // measured forward, a third of the work of training on them
  trainedTokens: number;
  refusedHonest: number; // contributions
  judgedHonest: number;
}

/** Held-out tokens of one measurement in this bench. */
const gateTokens = 128;
/** Rounds after which those that lie later on do. */
const patience = 15;

export class BenchCourt {
  readonly checks: Checks = {
    honestBanned: 0,
    liarsBanned: 0,
    liarsAudited: 0,
    lastBan: 0,
    slowestBan: 0,
    computedAgain: 0,
    computed: 0,
    gateTokens: 0,
    trainedTokens: 0,
    refusedHonest: 0,
    judgedHonest: 0,
  };
  readonly #settings: VerificationSettings;
  readonly #seed: number;
  readonly #judges: Judging;
  #court: Court = newCourt;
  #round = 0;
  #shards: Shard[] = []; // of the round before
  #claims = new Map<string, Float32Array | null>(); // decoded payloads by hash
  readonly #firstAudit = new Map<string, number>();

  constructor(verification: Verification, seed: number, judges: Judging) {
    this.#judges = judges;
    this.#settings = verificationSettings(verification);
    this.#seed = seed;
  }

  isBanned(id: string): boolean {
    return standingOf(this.#court, id).state === 'banned';
  }

  /** Audits at the beginning of a round. Returns who is busy with them. */
  async convene(
    present: readonly string[],
    again: (checker: string, shard: Shard) => Promise<Float32Array | null>,
  ): Promise<string[]> {
    const checkers = present.filter((id) => isGood(this.#court, id));
    const random = createRandom(this.#seed, this.#round, 1);
    const means = { shards: this.#shards, checkers, share: this.#settings.audits, random };
    const { court, orders } = convene(this.#court, this.#round, means);
    this.#change(court);
    for (const { checker, shard } of orders) {
      const claim = this.#claims.get(shard.hash) ?? null;
      const result = await again(checker, shard);
      const honest = claim === null || result === null ? unlike : compare(claim, result);
      if (isLiar(shard.workerId) && !isSameShard(honest)) this.#auditedWrong(shard.workerId);
      const isDisputed = (this.#court.trials.find((t) => t.shard.hash === shard.hash)?.voters ?? 0) > 0;
      const said = this.#says(checker, shard.workerId, isDisputed) ?? honest;
      this.#change(testified(this.#court, checker, shard.hash, said));
    }
    this.checks.computedAgain = this.#court.computedAgain;
    this.checks.computed = this.#court.computed;
    return orders.map(({ checker }) => checker);
  }

  /** The loss gate. Returns whose contributions count. */
  async judge(
    all: readonly Sent[],
    decoded: readonly Decoded[],
    shards: Shard[],
    judges: readonly string[],
    measure: (hash: string | null, seed: number, tokens: number) => Promise<number>,
  ): Promise<Set<string>> {
    const random = createRandom(this.#seed, this.#round, 2);
    const good = judges.filter((id) => isGood(this.#court, id));
    const cache = new Map<string | null, number>();
    const loss = async (hash: string | null): Promise<number> => {
      if (!cache.has(hash)) cache.set(hash, await measure(hash, this.#round, gateTokens));
      return cache.get(hash)!;
    };
    let counted = new Set(all.map(({ workerId }) => workerId));
    if (this.#settings.gate) {
      const chanceOf = (id: string): number => gateProbability(standingOf(this.#court, id), this.#settings.audits > 0);
      let gate = openGate(all, chanceOf, good, random);
      gate = await this.#answered(gate, all, good, loss);
      gate = await this.#answered(widen(gate, all, good), all, good, loss);
      const ruling = rule(gate, all);
      counted = new Set(ruling.verdicts.filter(({ counts }) => counts).map(({ workerId }) => workerId));
      this.checks.refusedHonest += all.filter(({ workerId }) => !counted.has(workerId) && !isLiar(workerId)).length;
      this.#change(gateRuled(this.#court, ruling));
    }
    for (const { tokens } of all) this.checks.trainedTokens += tokens;
    this.checks.judgedHonest += all.filter(({ workerId }) => !isLiar(workerId)).length;
    this.#shards = shards;
    for (const { hash } of all) this.#claims.set(hash, decoded.find((one) => one.hash === hash)?.difference ?? null);
    this.#timeBans();
    this.#round++;
    return new Set([...counted].filter((id) => isGood(this.#court, id)));
  }

  async #answered(
    gate: Gate,
    all: readonly Sent[],
    judges: readonly string[],
    loss: (hash: string | null) => Promise<number>,
  ) {
    let next = gate;
    for (const judge of awaited(gate, judges)) {
      const before = await loss(null);
      const after: Record<string, number | null> = {};
      for (const hash of gate.asked[judge]!.filter((one) => gate.said[judge]?.after[one] === undefined)) {
        const truth = await loss(hash);
        const isFriend = isLiar(all.find((one) => one.hash === hash)!.workerId);
        const said = !this.#liesInGate(judge) ? truth : isFriend ? before - 0.05 : before + 0.1;
        after[hash] = Number.isFinite(said) ? said : null;
        this.checks.gateTokens += gateTokens;
      }
      if (gate.said[judge] === undefined) this.checks.gateTokens += gateTokens;
      next = heard(next, judge, { before, after });
    }
    return next;
  }

  #auditedWrong(liar: string): void {
    if (!this.#firstAudit.has(liar)) this.#firstAudit.set(liar, this.#round);
    this.checks.liarsAudited = this.#firstAudit.size;
  }

  /** Those that are not banned yet count as well. */
  #timeBans(): void {
    for (const [liar, since] of this.#firstAudit) {
      if (!this.isBanned(liar)) this.checks.slowestBan = Math.max(this.checks.slowestBan, this.#round - since);
    }
  }

  /** What a liar says of a shard; null if that is the truth. */
  #says(checker: string, subject: string, isDisputed: boolean): Likeness | null {
    if (!this.#lies(checker)) return null;
    if (isLiar(subject)) return isDisputed && this.#vouches() ? null : { cosine: 1, error: 0 };
    return this.#vouches() ? null : unlike;
  }

  #vouches(): boolean {
    return this.#judges.startsWith('vouching');
  }

  #lies(id: string): boolean {
    if (!isLiar(id) || this.#judges === 'truly') return false;
    return !this.#judges.endsWith('later on') || this.#round >= patience || credence(standingOf(this.#court, id)) > 0;
  }

  #liesInGate(id: string): boolean {
    return !this.#judges.includes('audits') && !this.#vouches() && this.#lies(id);
  }

  #change(court: Court): void {
    for (const { workerId, state } of sentencesBetween(this.#court, court)) {
      if (process.env['VERBOSE']) console.log(this.#round, workerId, state, standingOf(court, workerId).reason);
      if (state !== 'banned') continue;
      if (!isLiar(workerId)) {
        this.checks.honestBanned++;
        continue;
      }
      this.checks.liarsBanned++;
      this.checks.lastBan = this.#round;
      const since = this.#firstAudit.get(workerId) ?? this.#round;
      this.checks.slowestBan = Math.max(this.checks.slowestBan, this.#round - since);
    }
    this.#court = court;
  }
}

function isLiar(id: string): boolean {
  return id.startsWith('liar');
}

// What a worker's past checks say about it, and what follows: how often its work is computed again, and when it is shut out.
// Adaptive replication after BOINC (Anderson, arXiv 1903.01699): ten valid results in a row, then ever fewer checks.

/** One worker in one job. */
export interface Standing {
  readonly valid: number; // audits passed since the last offence
  readonly audits: number; // finished ones, of its own work
  readonly strikes: number; // offences in a check of others' work
  readonly suspicion: number; // contributions in a row that the loss gate refused, or one check of it that is worth nothing
  readonly lookedAt: number | null; // round in which its work was last looked at, or in which it was first seen
  readonly vouchers: readonly string[]; // who found its work right
  readonly disputes?: readonly string[]; // whose acquittals cost it a strike each; none in what earlier builds stored
  readonly state: 'good' | 'quarantined' | 'banned';
  readonly reason: string; // one sentence, when not good
}

export const unknownStanding: Standing = {
  valid: 0,
  audits: 0,
  strikes: 0,
  suspicion: 0,
  lookedAt: null,
  vouchers: [],
  state: 'good',
  reason: '',
};

/** Valid audits in a row after which a worker is trusted. */
export const trustedAfter = 10;
/** Nobody is ever audited less often than this. */
export const auditFloor = 0.02;
/** A quarantined worker is released after so many valid audits. */
export const releasedAfter = 3;
/** False statements about others' work that are one too many. */
export const maxStrikes = 2;

/** By so much one refusal by the loss gate raises it: every eighth honest contribution is refused, a lie nearly always. */
const doubtFactor = 3;

/** Refusals in a row after which its audit comes before all others'. */
const urgentSuspicion = 4;

export function isUrgent({ state, suspicion }: Standing): boolean {
  return state === 'quarantined' || suspicion >= urgentSuspicion;
}

/** What part of a worker's shards is audited in the long run. */
export function auditProbability({ valid, suspicion, state }: Standing): number {
  if (state === 'quarantined' || valid < trustedAfter) return 1;
  return Math.min(1, Math.max(auditFloor, 1 / valid) * doubtFactor ** suspicion);
}

/**
 * How likely its shard of this round is: small right after an audit, but never nothing, and certain after twice the usual
 * time. So nobody goes unaudited for long by luck, and nobody knows when it is safe to lie.
 */
export function auditChance(standing: Standing, round: number): number {
  const share = auditProbability(standing);
  const overdue = share * waited(standing, round);
  return overdue >= 2 ? 1 : Math.min(1, share * (0.25 + 0.9 * overdue)); // 1.04 / share rounds on average
}

/** Rounds since its work was last looked at. */
export function waited({ lookedAt }: Standing, round: number): number {
  return lookedAt === null ? 1 : Math.max(0, round - lookedAt);
}

/** Part of a newcomer's contributions that go through the loss gate; the aggregation rule bounds what the others can do. */
const gateShare = 1 / 3;
const gateFloor = 0.1;

/**
 * How likely a worker's next contribution goes through the loss gate: certain after one that it refused, and where no audit
 * will clear up what it lets through.
 */
export function gateProbability(standing: Standing, hasAudits: boolean): number {
  if (!hasAudits || standing.suspicion > 0) return 1;
  return Math.max(gateFloor, gateShare * auditProbability(standing));
}

/**
 * How far its word about others' work is believed: it has spoken falsely (-1), nobody knows it (0), or its own work was found right
 * (1). That makes no witness of it, as good work is no proof of true words: see how many are asked before anyone is banned.
 */
export function credence({ strikes, valid }: Standing): -1 | 0 | 1 {
  return strikes > 0 ? -1 : valid > 0 ? 1 : 0;
}

/** Its work was computed again by `auditors` and is right. */
export function passed(standing: Standing, auditors: readonly string[]): Standing {
  const vouchers = [...new Set([...standing.vouchers, ...auditors])];
  const counts = { valid: standing.valid + 1, audits: standing.audits + 1, suspicion: 0 };
  const next = { ...standing, ...counts, vouchers };
  const isReleased = standing.state === 'quarantined' && next.valid >= releasedAfter;
  return isReleased ? { ...next, state: 'good', reason: '' } : next;
}

/** What it did leaves no doubt. */
export function banned(standing: Standing, reason: string): Standing {
  return { ...standing, valid: 0, state: 'banned', reason };
}

/** It is accused, or its word was false: its work and its word do not count until it has shown that it works. */
export function quarantined(standing: Standing, reason: string): Standing {
  return standing.state === 'banned' ? standing : { ...standing, valid: 0, state: 'quarantined', reason };
}

/** The accusation is not believed. */
function released(standing: Standing): Standing {
  return standing.state === 'quarantined' && standing.strikes === 0
    ? { ...standing, state: 'good', reason: '' }
    : standing;
}

/** A jury found it right: somebody has lied, so it is looked at again at once, and again when one of the jury turns out a liar. */
export function acquitted(standing: Standing, jurors: readonly string[]): Standing {
  return { ...unresolved(standing), vouchers: [...new Set([...standing.vouchers, ...jurors])] };
}

/** Nobody could tell whether its work was right: it is looked at again at once. */
export function suspected(standing: Standing): Standing {
  return { ...standing, suspicion: urgentSuspicion };
}

/** Whoever accused it is not heard any more, before others could tell who is right: it is looked at again at once. */
export function unresolved(standing: Standing): Standing {
  return suspected(released(standing));
}

/** What it said about another's work is not what most others found. */
export function struck(standing: Standing, reason: string): Standing {
  if (standing.state === 'banned') return standing;
  const strikes = standing.strikes + 1;
  if (strikes >= maxStrikes) return { ...banned(standing, `${reason}; it was the second time`), strikes };
  return { ...quarantined(standing, reason), strikes };
}

/** It said that the work of `workerId` is wrong, and the jury said otherwise. */
export function disbelieved(standing: Standing, workerId: string): Standing {
  return { ...standing, disputes: [...(standing.disputes ?? []), workerId] };
}

/** What it was struck for saying of `workerId` was true. */
export function vindicated(standing: Standing, workerId: string): Standing {
  const { disputes = [] } = standing;
  if (!disputes.includes(workerId) || standing.state === 'banned') return standing;
  const strikes = standing.strikes - disputes.filter((other) => other === workerId).length;
  return released({ ...standing, strikes, disputes: disputes.filter((other) => other !== workerId) });
}

/** Who vouched for it was banned: what it found is worth nothing, so this worker is checked anew; at once if nobody else did. */
export function doubted(standing: Standing, voucher: string): Standing {
  if (!standing.vouchers.includes(voucher)) return standing;
  const vouchers = standing.vouchers.filter((other) => other !== voucher);
  const suspicion = vouchers.length === 0 ? urgentSuspicion : Math.max(1, standing.suspicion);
  return { ...standing, vouchers, valid: 0, suspicion };
}

/** The loss gate judged its contribution. What only an audit can clear up it leaves as it is. */
export function gated(standing: Standing, isUseful: boolean): Standing {
  if (standing.suspicion >= urgentSuspicion) return standing;
  const suspicion = isUseful ? 0 : standing.suspicion + 1;
  return suspicion === standing.suspicion ? standing : { ...standing, suspicion };
}

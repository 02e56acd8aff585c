// What a worker's past checks say about it, and what follows: how often its work is computed again, and when it is shut out.
// Adaptive replication after BOINC (Anderson, arXiv 1903.01699): ten valid results in a row, then ever fewer checks.

/** One worker in one job. */
export interface Standing {
  readonly valid: number; // audits passed since the last offence
  readonly audits: number; // finished ones, of its own work
  readonly strikes: number; // offences in a check of others' work
  readonly suspicion: number; // contributions in a row that the loss gate refused, or one check of it that is worth nothing
  readonly vouchers: readonly string[]; // who found its work right
  readonly state: 'good' | 'quarantined' | 'banned';
  readonly reason: string; // one sentence, when not good
}

export const unknownStanding: Standing = {
  valid: 0,
  audits: 0,
  strikes: 0,
  suspicion: 0,
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

/** How likely a worker's next shard is audited. */
export function auditProbability({ valid, suspicion, state }: Standing): number {
  if (state === 'quarantined' || suspicion > 0 || valid < trustedAfter) return 1;
  return Math.max(auditFloor, 1 / valid);
}

/** How likely a worker's next contribution goes through the loss gate: as for audits, but never below one in four. */
export function gateProbability(standing: Standing): number {
  return Math.max(0.25, auditProbability(standing));
}

/** Its work was computed again by `voucher` and is right. */
export function passed(standing: Standing, voucher: string): Standing {
  const vouchers = [...new Set([...standing.vouchers, voucher])];
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

/** The accusation was false. */
export function acquitted(standing: Standing): Standing {
  return standing.state === 'quarantined' && standing.strikes === 0
    ? { ...standing, state: 'good', reason: '' }
    : standing;
}

/** What it said about another's work is not what most others found. */
export function struck(standing: Standing, reason: string): Standing {
  if (standing.state === 'banned') return standing;
  const strikes = standing.strikes + 1;
  if (strikes >= maxStrikes) return { ...banned(standing, `${reason}; it was the second time`), strikes };
  return { ...quarantined(standing, reason), strikes };
}

/** Who vouched for it was banned: what it found is worth nothing, so this worker is checked anew, and soon. */
export function doubted(standing: Standing, voucher: string): Standing {
  if (!standing.vouchers.includes(voucher)) return standing;
  const vouchers = standing.vouchers.filter((other) => other !== voucher);
  return { ...standing, vouchers, valid: 0, suspicion: Math.max(1, standing.suspicion) };
}

/** The loss gate judged its contribution. */
export function gated(standing: Standing, isUseful: boolean): Standing {
  const suspicion = isUseful ? 0 : standing.suspicion + 1;
  return suspicion === standing.suspicion ? standing : { ...standing, suspicion };
}

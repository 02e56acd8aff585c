// The loss gate: which of a round's contributions may count, by what each does alone to the loss on held-out text (Gauntlet,
// arXiv 2505.21684). Judges measure the agreed state before and after adding one contribution. It catches what looks like
// honest work and is none, which no rule over vectors can see; it does not replace such a rule, as a judge may lie too.
// A pure decision: who judges what, and what becomes of those that fail, is decided elsewhere.

import { median } from '../median.ts';

/** Of a part's fair share of the improvement; below it a contribution is of no use. */
const usefulShare = 0.1;
/** Of the loss: what lies within it of zero cannot be told from the noise of a measurement. */
const noise = 0.001;
/** Of the upper half's spread: so far below the median honest work is rare. */
const spreadShare = 2;
/** Of fewer contributions nobody knows what is usual. */
export const fewestCompared = 5;

/** A contribution that waits for its verdict. */
export interface Candidate {
  readonly workerId: string;
  readonly tokens: number; // trained on; the more, the more is expected
}

/** What one worker measured about another's contribution, in nats per token. */
export interface Judgement {
  readonly judge: string;
  readonly workerId: string; // whose contribution
  readonly before: number; // loss of the agreed state
  readonly after: number; // and with this contribution alone added
}

export interface Verdict {
  readonly workerId: string;
  readonly counts: boolean;
  /** 'unjudged' counts: a round does not wait for judges. 'useless' is no proof of malice: only its repetition is. */
  readonly finding: 'useful' | 'unjudged' | 'useless' | 'harmful';
  readonly improvement: number | null; // nats per token, the median over the judges; null = unjudged
}

/**
 * Harmful: the loss rises by more than noise. Useless: it falls by less than a tenth of what the round's median contribution
 * achieves for as many tokens, where that itself is more than noise. So late in training, when one round hardly shows,
 * only harm is refused. Either holds only for what lies clearly below the others, because one small measurement of an honest
 * contribution varies as they do. Nobody judges itself, and each judge's word counts once.
 */
export function judgeRound(candidates: readonly Candidate[], judgements: readonly Judgement[]): Verdict[] {
  const judged = candidates.map((candidate) => ({ ...candidate, ...measured(candidate.workerId, judgements) }));
  const rates = judged.flatMap(({ improvement, tokens }) => (improvement === null ? [] : [improvement / tokens]));
  const typicalRate = rates.length === 0 ? 0 : median(rates);
  const clearlyBelow = rates.length < fewestCompared ? Infinity : typicalRate - spreadShare * upperSpread(rates);
  return judged.map(({ workerId, tokens, improvement, before }) => {
    const isUsual = improvement !== null && improvement / tokens >= clearlyBelow;
    const finding = isUsual ? 'useful' : findingOf(improvement, typicalRate * tokens, noise * before);
    return { workerId, improvement, finding, counts: finding === 'useful' || finding === 'unjudged' };
  });
}

/** From the median to the upper quartile: most of those above the median are honest, whoever is below it. */
function upperSpread(rates: readonly number[]): number {
  const sorted = rates.toSorted((a, b) => a - b);
  return sorted[Math.floor(0.75 * (sorted.length - 1))]! - median(sorted);
}

function findingOf(improvement: number | null, expected: number, tolerance: number): Verdict['finding'] {
  if (improvement === null) return 'unjudged';
  if (improvement < -tolerance) return 'harmful';
  return expected > tolerance && improvement < usefulShare * expected ? 'useless' : 'useful';
}

/** The median judge's improvement. A loss after it that is not a number is the worst there is; one before it says nothing. */
function measured(workerId: string, judgements: readonly Judgement[]): { improvement: number | null; before: number } {
  const byJudge = new Map<string, Judgement>();
  for (const judgement of judgements) {
    const isValid = judgement.workerId === workerId && judgement.judge !== workerId && judgement.before > 0;
    if (isValid && Number.isFinite(judgement.before)) byJudge.set(judgement.judge, judgement);
  }
  const heard = [...byJudge.values()];
  if (heard.length === 0) return { improvement: null, before: 0 };
  const improvements = heard.map(({ before, after }) => (Number.isFinite(after) ? before - after : -Number.MAX_VALUE));
  return { improvement: median(improvements), before: median(heard.map(({ before }) => before)) };
}

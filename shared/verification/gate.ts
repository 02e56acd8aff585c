// The loss gate of one round: who measures whose contribution, what they say, and what follows from it. Each contribution goes
// to a few judges; where these differ by more than arithmetic can, everyone measures it, and who stands alone has lied.

import { shuffled } from '../random.ts';
import type { Random } from '../random.ts';
import { drawJudges } from './draw.ts';
import { agree, consensusOf } from './jury.ts';
import { fewestCompared, judgeRound } from './loss-gate.ts';
import type { Verdict } from './loss-gate.ts';

/** What honest judges' losses may differ by, relatively: GPUs differ by some 1e-5. */
const arithmetic = 0.005;
/** Judges of each contribution. */
const judgesEach = 2;
/** So many that a contribution of one of them has its judges. */
const fewestJudges = judgesEach + 1;

export interface Contribution {
  readonly workerId: string;
  readonly hash: string; // of its payload
  readonly tokens: number;
}

/** What one judge said: nats per token on the same held-out text; null after a payload that does not decode or is not finite. */
export interface Measurement {
  readonly before: number; // of the agreed state
  readonly after: Readonly<Record<string, number | null>>; // by payload hash: with this contribution alone
}

export interface Gate {
  readonly asked: Readonly<Record<string, readonly string[]>>; // payload hashes by judge
  readonly said: Readonly<Record<string, Measurement>>; // by judge
  readonly isWide: boolean; // everyone was asked about what is disputed
}

export interface Ruling {
  readonly verdicts: Verdict[];
  readonly liars: string[]; // judges whose word is not what most others measured
  readonly broken: string[]; // authors of payloads that do not decode or are not finite, as most found
}

/**
 * @param chanceOf how likely a worker's contribution is measured; of the others so many are that the round's can be compared
 * @param judges in good standing, with the state that the round began from
 */
export function openGate(
  contributions: readonly Contribution[],
  chanceOf: (workerId: string) => number,
  judges: readonly string[],
  random: Random,
): Gate {
  const hashes = new Map(contributions.map(({ workerId, hash }) => [workerId, hash]));
  const subjects = drawSubjects([...hashes.keys()], chanceOf, random);
  // Each judge measures the agreed state too: fewer judges, less work.
  const few = shuffled(judges, random).slice(0, Math.max(fewestJudges, subjects.length));
  const asked: Record<string, string[]> = {};
  for (const { subject, checker } of drawJudges(subjects, few, judgesEach, random)) {
    (asked[checker] ??= []).push(hashes.get(subject)!);
  }
  return { asked, said: {}, isWide: false };
}

function drawSubjects(ids: readonly string[], chanceOf: (workerId: string) => number, random: Random): string[] {
  const drawn = ids.filter((id) => random.uniform() < chanceOf(id));
  const others = shuffled(
    ids.filter((id) => !drawn.includes(id)),
    random,
  );
  return [...drawn, ...others.slice(0, Math.max(0, fewestCompared - drawn.length))];
}

/** A judge's answer; what it was not asked is dropped. Of several the later ones add to the first. */
export function heard(gate: Gate, judge: string, { before, after }: Measurement): Gate {
  const asked = gate.asked[judge] ?? [];
  const answers = Object.entries(after).filter(([hash]) => asked.includes(hash));
  const earlier = gate.said[judge];
  const said = { before: earlier?.before ?? before, after: { ...Object.fromEntries(answers), ...earlier?.after } };
  return { ...gate, said: { ...gate.said, [judge]: said } };
}

/** Judges among these that have not measured all they were asked to. */
export function awaited({ asked, said }: Gate, judges: readonly string[]): string[] {
  return judges.filter((judge) => (asked[judge] ?? []).some((hash) => said[judge]?.after[hash] === undefined));
}

/** Asks everyone about what the judges differ on; the same gate if they do not. */
export function widen(gate: Gate, contributions: readonly Contribution[], judges: readonly string[]): Gate {
  if (gate.isWide) return gate;
  const disputed = contributions.filter(({ hash }) => isDisputed(gate, hash));
  if (disputed.length === 0) return gate;
  const asked = Object.fromEntries(
    judges.map((judge) => {
      const more = disputed.filter(({ workerId }) => workerId !== judge).map(({ hash }) => hash);
      return [judge, [...new Set([...(gate.asked[judge] ?? []), ...more])]];
    }),
  );
  return { ...gate, asked: { ...gate.asked, ...asked }, isWide: true };
}

function isDisputed(gate: Gate, hash: string): boolean {
  const [first, ...others] = Object.values(measured(gate, hash));
  return others.some((value) => !agree(value, first!, arithmetic));
}

/** Losses of one contribution by judge: infinity for null, and all that is worse than twice the loss before is the same. */
function measured({ said }: Gate, hash: string): Record<string, number> {
  const heardOf = Object.entries(said).filter(([, { after }]) => after[hash] !== undefined);
  return Object.fromEntries(
    heardOf.map(([judge, { before, after }]) => {
      const loss = after[hash] ?? Infinity;
      return [judge, Number.isFinite(loss) ? Math.min(loss, 2 * before) : Infinity];
    }),
  );
}

/** What the round decides with what was said. */
export function rule(gate: Gate, contributions: readonly Contribution[]): Ruling {
  const before = consensusOf(
    mapValues(gate.said, (measurement) => measurement.before),
    arithmetic,
  );
  const liars = new Set(before?.outliers ?? []);
  const broken: string[] = [];
  const judgements = contributions.flatMap(({ workerId, hash }) => {
    const consensus = consensusOf(measured(gate, hash), arithmetic);
    if (consensus === null || before === null) return [];
    if (gate.isWide) for (const judge of consensus.outliers) liars.add(judge);
    if (consensus.value === Infinity) broken.push(workerId);
    return [{ judge: '', workerId, before: before.value, after: consensus.value }];
  });
  return { verdicts: judgeRound(contributions, judgements), liars: [...liars], broken };
}

function mapValues<T>(record: Readonly<Record<string, T>>, value: (entry: T) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(record).map(([key, entry]) => [key, value(entry)]));
}

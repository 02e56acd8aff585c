// Settling what two workers see differently: everyone that can tell is asked, and more than half decide. Who then stands alone
// has lied, or computes so differently that it cannot take part.

/** How each of those asked answered; null = not yet. The accuser and the accused have answered from the start. */
export type Votes = Readonly<Record<string, boolean | null>>;

/** What more than half of all those who may vote say, and who said otherwise; null while neither side has so many. */
export function majorityOf(votes: Votes, voters: number): { verdict: boolean; outvoted: string[] } | null {
  const count = (side: boolean): number => Object.values(votes).filter((vote) => vote === side).length;
  const verdict = [true, false].find((side) => 2 * count(side) > voters);
  if (verdict === undefined) return null;
  const outvoted = Object.keys(votes).filter((voter) => votes[voter] === !verdict);
  return { verdict, outvoted };
}

/** A number measured by several: what most of them measured, and who measured something else. */
export interface Consensus {
  readonly value: number;
  readonly outliers: string[];
}

/**
 * @param measured by worker; infinity for what cannot be measured
 * @param within relative difference that arithmetic alone may make
 * @returns null while not more than half are within it of the median
 */
export function consensusOf(measured: Readonly<Record<string, number>>, within: number): Consensus | null {
  const values = Object.values(measured).toSorted((a, b) => a - b);
  const value = values[(values.length - 1) >> 1];
  if (value === undefined) return null;
  const outliers = Object.keys(measured).filter((worker) => !agree(measured[worker]!, value, within));
  return 2 * outliers.length < values.length ? { value, outliers } : null;
}

export function agree(a: number, b: number, within: number): boolean {
  return a === b || (Number.isFinite(b) && Math.abs(a - b) <= within * Math.abs(b));
}

// Times contestants against each other on one machine: in turns, so that whatever else the machine does hits all of them alike.

import type { Work } from './work.ts';

export interface Measured {
  readonly seconds: number; // of one run, the median over the turns
  readonly spread: number; // the middle half of the turns, as a share of the median
  readonly turns: number;
}

/** How long one row may take. */
export interface Patience {
  readonly turnSeconds: number; // of each contestant, filled with runs
  readonly turns: number; // at most
  readonly rowSeconds: number; // no further turn begins after that
}

/** Milliseconds. */
type Now = () => number;

/** @returns what each work took, in the order given */
export async function measure(
  works: readonly Work[],
  patience: Patience,
  now: Now = () => performance.now(),
): Promise<Measured[]> {
  const runs: number[] = [];
  for (const work of works) runs.push(await runsThatFill(work, patience.turnSeconds, now));
  const samples: number[][] = works.map(() => []);
  const end = now() + patience.rowSeconds * 1000;
  for (let turn = 0; turn < patience.turns && (turn === 0 || now() < end); turn++) {
    for (const [index, work] of works.entries()) samples[index]!.push(await time(work, runs[index]!, now));
  }
  return samples.map(summarize);
}

export function summarize(samples: readonly number[]): Measured {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  return { seconds: at(0.5), spread: (at(0.75) - at(0.25)) / at(0.5), turns: sorted.length };
}

/** Seconds of doing the work once, over `runs` runs. */
async function time(work: Work, runs: number, now: Now): Promise<number> {
  const start = now();
  for (let i = 0; i < runs; i++) await work.run();
  await work.finish();
  return (now() - start) / 1000 / (runs * (work.repeats ?? 1));
}

/** Warms up (the first run compiles), then finds how many runs fill a turn. */
async function runsThatFill(work: Work, turnSeconds: number, now: Now): Promise<number> {
  if ((await time(work, 1, now)) * (work.repeats ?? 1) > turnSeconds) return 1;
  const one = (await time(work, 1, now)) * (work.repeats ?? 1);
  if (one > turnSeconds / 4) return Math.max(1, Math.round(turnSeconds / one));
  const each = (await time(work, Math.ceil(Math.min(50, turnSeconds / 4 / one)), now)) * (work.repeats ?? 1);
  return Math.max(1, Math.min(1000, Math.round(turnSeconds / each)));
}

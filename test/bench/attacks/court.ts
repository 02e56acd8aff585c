// What audits find and cost, in many swarms without training: how long liars last, whether honest workers are ever banned.
//   npm run bench:court -- [--swarms 400] [--rounds 60] [--workers 25] [--audits 0.1] [--liars 0.2,0.4]

import { parseArgs } from 'node:util';
import type { Checks } from './bench-court.ts';
import { runCourtSwarm } from './court-swarm.ts';
import type { CourtSwarm } from './court-swarm.ts';

const { values } = parseArgs({
  options: {
    swarms: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '60' },
    workers: { type: 'string', default: '25' },
    audits: { type: 'string', default: '0.1' },
    liars: { type: 'string', default: '0.2,0.4' },
  },
});
const [swarms, rounds, workers, audits] = [values.swarms, values.rounds, values.workers, values.audits].map(Number) as [
  number,
  number,
  number,
  number,
];

/**
 * Liars in work and word, in work only, in word only; such that lie only where they compute a shard again, from the beginning or
 * once their own work was found right; and such that never accuse anyone and only find each other's work right.
 */
const kinds: readonly Pick<CourtSwarm, 'judges' | 'works'>[] = [
  { works: 'wrongly', judges: 'falsely' },
  { works: 'wrongly', judges: 'truly' },
  { works: 'rightly', judges: 'falsely' },
  { works: 'wrongly', judges: 'falsely later on' },
  { works: 'rightly but two', judges: 'falsely later on' },
  { works: 'wrongly', judges: 'falsely in audits' },
  { works: 'rightly but two', judges: 'falsely in audits' },
  { works: 'wrongly', judges: 'falsely in audits later on' },
  { works: 'rightly but two', judges: 'falsely in audits later on' },
  { works: 'wrongly', judges: 'vouching' },
  { works: 'rightly but two', judges: 'vouching' },
];

console.log(`${swarms} swarms of ${workers}, ${rounds} rounds: median, 95% and the most of all swarms\n`);
console.log('| work | words | liars | banned by round | rounds from first audit | audits % | honest banned |');
console.log('|---|---|---|---|---|---|---|');
await report({ works: 'rightly', judges: 'truly' }, 0);
for (const kind of kinds) for (const fraction of values.liars.split(',').map(Number)) await report(kind, fraction);

async function report(kind: Pick<CourtSwarm, 'judges' | 'works'>, fraction: number): Promise<void> {
  const liars = Math.round(fraction * workers);
  const all: Checks[] = [];
  for (let seed = 1; seed <= swarms; seed++) {
    all.push(await runCourtSwarm({ ...kind, honest: workers - liars, liars, rounds, audits, seed }));
  }
  const honestBanned = all.reduce((sum, checks) => sum + checks.honestBanned, 0);
  const cells = [
    kind.works,
    kind.judges,
    `${100 * fraction}%`,
    quantiles(all.map(({ lastBan }) => lastBan)),
    quantiles(all.map(({ slowestBan }) => slowestBan)),
    quantiles(all.map(({ computedAgain, computed }) => (100 * computedAgain) / computed)),
    honestBanned,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

function quantiles(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (part: number): string => Number(sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(1)).toString();
  return [0.5, 0.95, 1].map(at).join(', ');
}

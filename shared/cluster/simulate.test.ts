// Leadership under hundreds of seeded fault schedules. A failing seed names itself: simulate(seed, …) replays it.

import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const seeds = Array.from({ length: 200 }, (_, seed) => seed);

/** Longer than a lease after a forced election that nobody won, and the heartbeat that follows it. */
const recoveryMs = 35_000;

test.each([false, true])(
  'no two leaders at a time and no request of an older one taken (wild clocks: %s)',
  (clockJumps) => {
    let [elections, refused, taken] = [0, 0, 0];
    for (const seed of seeds) {
      const run = simulate(seed, { nodes: 4, clockJumps });
      expect(run.violations, `seed ${seed}`).toEqual([]);
      expect(run.taken, `seed ${seed}`).toEqual(run.taken.toSorted((a, b) => a - b));
      expect(run.leaderlessMs, `seed ${seed}`).toBeLessThan(recoveryMs);
      const history = run.events.filter(({ type }) => type === 'leader.elected' || type === 'leader.resigned');
      const fences = history.map((event) => (event.type === 'leader.elected' ? event.leader.fence : 0));
      expect(
        fences.filter((fence) => fence > 0),
        `seed ${seed}`,
      ).toEqual(fences.filter((f) => f > 0).map((_, i) => i + 1));
      expect(history.every(({ type }, i) => type === (i % 2 === 0 ? 'leader.elected' : 'leader.resigned'))).toBe(true);
      elections += Math.ceil(history.length / 2);
      refused += run.refused;
      taken += run.taken.length;
    }
    expect(elections).toBeGreaterThan(seeds.length * 2); // the faults do what they are for
    expect(refused).toBeGreaterThan(0);
    expect(taken).toBeGreaterThan(seeds.length * 100);
  },
);

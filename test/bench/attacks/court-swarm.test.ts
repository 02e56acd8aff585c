import { expect, test } from 'vitest';
import { runCourtSwarm } from './court-swarm.ts';

test.each([1, 2, 3])(
  '10 quiet liars of 25 are banned within 10 rounds of their first audit, for a tenth of the work: %i',
  async (seed) => {
    const swarm = { honest: 15, liars: 10, rounds: 60, audits: 0.1, judges: 'truly', works: 'wrongly' } as const;
    const { liarsBanned, honestBanned, slowestBan, computedAgain, computed } = await runCourtSwarm({ ...swarm, seed });
    expect([liarsBanned, honestBanned]).toEqual([10, 0]);
    expect(slowestBan).toBeLessThanOrEqual(10);
    expect(computedAgain).toBeLessThanOrEqual(0.1 * computed);
  },
);

test.each([
  ['wrongly', 'falsely in audits'],
  ['wrongly', 'falsely in audits later on'],
  ['rightly but two', 'falsely in audits'],
  ['rightly but two', 'falsely'],
] as const)(
  '10 of 25 that work %s and judge %s have no honest worker banned, and soon none that works wrongly',
  async (works, judges) => {
    const swarm = { honest: 15, liars: 10, rounds: 60, audits: 0.1, judges, works, seed: 4 } as const;
    const { honestBanned, liarsBanned, slowestBan, computedAgain, computed } = await runCourtSwarm(swarm);
    expect(honestBanned).toBe(0);
    expect(liarsBanned).toBeGreaterThanOrEqual(works === 'wrongly' ? 10 : 2);
    expect(slowestBan).toBeLessThanOrEqual(10);
    expect(computedAgain).toBeLessThanOrEqual(0.1 * computed);
  },
);

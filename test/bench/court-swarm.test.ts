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

test('what liars say of others bans no honest worker', async () => {
  for (const judges of ['falsely', 'falsely once believed'] as const) {
    const swarm = {
      honest: 15,
      liars: 10,
      rounds: 40,
      audits: 0.1,
      judges,
      works: 'rightly but two',
      seed: 4,
    } as const;
    expect((await runCourtSwarm(swarm)).honestBanned).toBe(0);
  }
});

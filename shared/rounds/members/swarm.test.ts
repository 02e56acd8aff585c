import { expect, test } from 'vitest';
import { largeSwarm, maxDialMs } from '../limits.ts';
import { Stage } from '../testing/stage.ts';

const ids = Array.from({ length: largeSwarm }, (_, index) => `w-${String(index).padStart(8, '0')}`);
const latecomer = 'w-latecome';

/** The times over which those who were told of neighbours by the last event are to dial them. */
function told(stage: Stage): (number | undefined)[] {
  return ids.flatMap((id) => stage.heard(id, 'peers').map(({ dialMs }) => dialMs));
}

test('a large swarm that is dealt into groups dials over a time, a newcomer and its group at once', () => {
  const stage = new Stage({ min: largeSwarm, max: 2 * largeSwarm, rounds: { topology: { kind: 'groups' } } });
  stage.start(...ids);
  stage.pass(1_000);
  const spans = told(stage);
  expect(spans).toHaveLength(largeSwarm);
  expect(new Set(spans)).toEqual(new Set([6_400]));
  stage.hello(latecomer);
  stage.pass(1_000);
  expect(told(stage).length).toBeGreaterThan(0);
  expect(told(stage).every((span) => span === undefined)).toBe(true);
});

test('where rounds are short, dials end within half of one; where they are long, in half a minute', () => {
  const spanAfter = (roundMs: number): number | undefined => {
    const stage = new Stage({ min: largeSwarm, max: largeSwarm, rounds: { topology: { kind: 'groups' } } });
    stage.state = { ...stage.state, recentRoundMs: [roundMs] };
    stage.start(...ids);
    stage.pass(1_000);
    return told(stage)[0];
  };
  expect(spanAfter(3_000)).toBe(1_500);
  expect(spanAfter(1e6)).toBe(6_400);
  expect(spanAfter(1e6)).toBeLessThan(maxDialMs);
});

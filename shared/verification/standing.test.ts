import { expect, test } from 'vitest';
import {
  acquitted,
  auditFloor,
  auditProbability,
  banned,
  doubted,
  gated,
  passed,
  quarantined,
  releasedAfter,
  struck,
  trustedAfter,
  unknownStanding,
} from './standing.ts';
import type { Standing } from './standing.ts';

function passedTimes(times: number, from: Standing = unknownStanding): Standing {
  let standing = from;
  for (let audit = 0; audit < times; audit++) standing = passed(standing, 'w-auditor1');
  return standing;
}

test('newcomers are always audited, trusted workers ever less often, nobody never', () => {
  expect(auditProbability(unknownStanding)).toBe(1);
  expect(auditProbability(passedTimes(trustedAfter - 1))).toBe(1);
  expect(auditProbability(passedTimes(trustedAfter))).toBe(1 / trustedAfter);
  expect(auditProbability(passedTimes(20))).toBe(1 / 20);
  expect(auditProbability(passedTimes(10_000))).toBe(auditFloor);
});

test('an accused or refused worker is audited like a newcomer, whatever it did before', () => {
  const trusted = passedTimes(50);
  expect(auditProbability(quarantined(trusted, 'accused'))).toBe(1);
  expect(auditProbability(gated(trusted, false))).toBe(1);
  expect(auditProbability(gated(gated(trusted, false), true))).toBe(1 / 50);
});

test('quarantine ends with valid audits, a ban never', () => {
  const accused = quarantined(passedTimes(5), 'accused');
  expect(accused).toMatchObject({ state: 'quarantined', valid: 0, reason: 'accused' });
  expect(passedTimes(releasedAfter - 1, accused).state).toBe('quarantined');
  expect(passedTimes(releasedAfter, accused)).toMatchObject({ state: 'good', reason: '' });
  const gone = banned(accused, 'proven');
  expect(passedTimes(100, gone).state).toBe('banned');
  expect(quarantined(gone, 'again')).toBe(gone);
  expect(acquitted(gone)).toBe(gone);
});

test('one false word is quarantine, the second a ban; an acquittal does not undo a false word', () => {
  const once = struck(unknownStanding, 'it lied');
  expect(once).toMatchObject({ state: 'quarantined', strikes: 1, reason: 'it lied' });
  expect(acquitted(once)).toBe(once);
  expect(struck(once, 'it lied')).toMatchObject({ state: 'banned', strikes: 2 });
  expect(acquitted(quarantined(unknownStanding, 'accused')).state).toBe('good');
});

test('who was found right by a banned worker is checked anew', () => {
  const standing = passedTimes(20);
  expect(doubted(standing, 'w-auditor1')).toMatchObject({ valid: 0, suspicion: 1, vouchers: [] });
  expect(doubted(standing, 'w-another1')).toBe(standing);
});

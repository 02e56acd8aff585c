import { expect, test } from 'vitest';
import {
  acquitted,
  auditFloor,
  auditChance,
  auditProbability,
  banned,
  credence,
  disbelieved,
  doubted,
  gated,
  isUrgent,
  passed,
  quarantined,
  releasedAfter,
  struck,
  trustedAfter,
  unknownStanding,
  unresolved,
  vindicated,
} from './standing.ts';
import type { Standing } from './standing.ts';

function passedTimes(times: number, from: Standing = unknownStanding): Standing {
  let standing = from;
  for (let audit = 0; audit < times; audit++) standing = passed(standing, ['w-auditor1']);
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
  expect(auditProbability(gated(trusted, false))).toBe(3 / 50);
  expect(auditProbability(gated(gated(gated(gated(trusted, false), false), false), false))).toBe(1);
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
  expect(acquitted(gone, []).state).toBe('banned');
});

test('one false word is quarantine, the second a ban; an acquittal does not undo a false word', () => {
  const once = struck(unknownStanding, 'it lied');
  expect(once).toMatchObject({ state: 'quarantined', strikes: 1, reason: 'it lied' });
  expect(acquitted(once, []).state).toBe('quarantined');
  expect(struck(once, 'it lied')).toMatchObject({ state: 'banned', strikes: 2 });
  const cleared = acquitted(quarantined(unknownStanding, 'accused'), ['w-juror001']);
  expect(cleared).toMatchObject({ state: 'good', reason: '', vouchers: ['w-juror001'] });
  expect(isUrgent(cleared)).toBe(true);
});

test('whoever was struck for the truth about a worker is cleared when that one is banned', () => {
  const struckFor = (id: string): Standing => struck(disbelieved(unknownStanding, id), 'it lied');
  expect(vindicated(struckFor('w-liar0001'), 'w-liar0001')).toMatchObject({ state: 'good', strikes: 0, disputes: [] });
  expect(vindicated(struckFor('w-liar0001'), 'w-liar0002').state).toBe('quarantined');
  const twice = struck(struckFor('w-liar0001'), 'it lied');
  expect(vindicated(twice, 'w-liar0001')).toBe(twice); // a ban stays
});

test('who was found right by a banned worker is checked anew', () => {
  const standing = passedTimes(20);
  expect(doubted(standing, 'w-auditor1')).toMatchObject({ valid: 0, vouchers: [] });
  expect(isUrgent(doubted(standing, 'w-auditor1'))).toBe(true);
  expect(isUrgent(doubted(passed(standing, ['w-another1']), 'w-auditor1'))).toBe(false);
  expect(doubted(standing, 'w-another1')).toBe(standing);
});

test('what only an audit can clear up no useful work clears up', () => {
  const open = unresolved(quarantined(unknownStanding, 'accused'));
  expect(open.state).toBe('good');
  expect(isUrgent(gated(open, true))).toBe(true);
  expect(isUrgent(passed(open, ['v']))).toBe(false);
});

test('an audit is likelier the longer the last one is past, and never impossible', () => {
  const trusted = { ...passedTimes(20), lookedAt: 100 };
  const chances = [101, 110, 120, 139, 140].map((round) => auditChance(trusted, round));
  expect(chances.toSorted((a, b) => a - b)).toEqual(chances);
  expect(chances[0]).toBeGreaterThan(0.01);
  expect(chances[4]).toBe(1);
  expect(auditChance(unknownStanding, 7)).toBe(1);
});

test('good work makes a worker known as an auditor, whatever it brought along or not; one false word ends that for good', () => {
  expect(credence(unknownStanding)).toBe(0);
  const known = passed(unknownStanding, ['v']);
  expect(credence(known)).toBe(1);
  expect(credence({ ...unknownStanding, valid: 5, audits: 5 })).toBe(1);
  expect(credence(doubted(known, 'v'))).toBe(0);
  const liar = struck(known, 'it lied');
  expect([credence(liar), credence(passedTimes(20, liar))]).toEqual([-1, -1]);
});

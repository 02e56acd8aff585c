import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { auditorsOf, drawAudits, drawJudges } from './draw.ts';
import type { Subject } from './draw.ts';
import { passed, quarantined, struck, unknownStanding } from './standing.ts';
import type { Standing } from './standing.ts';

const ids = Array.from({ length: 12 }, (_, i) => `w${i}`);
const newcomers = ids.map((workerId) => ({ workerId, standing: unknownStanding }));

const draw = (subjects: readonly Subject[], budget: number, seed: number): string[] =>
  drawAudits(subjects, { round: 5, budget, random: createRandom(seed) });

test('nobody is audited twice in a round, and the budget holds', () => {
  for (let seed = 0; seed < 50; seed++) {
    const drawn = draw(newcomers, 12, seed);
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(draw(newcomers, 2.9, seed)).toHaveLength(2);
  }
});

test('the accused are looked at first, then newcomers; one audit in five may go to anybody', () => {
  const once = { ...passed(unknownStanding, ['v']), lookedAt: 4 };
  const subjects = ids.map((workerId) => ({ workerId, standing: once as Standing }));
  subjects[7] = { workerId: 'w7', standing: quarantined(once, 'accused') };
  subjects[3] = { workerId: 'w3', standing: unknownStanding };
  const firsts = Array.from({ length: 200 }, (_, seed) => draw(subjects, 2, seed));
  expect(firsts.filter(([first]) => first === 'w7').length).toBeGreaterThan(150);
  expect(firsts.filter(([, second]) => second === 'w3').length).toBeGreaterThan(110);
  expect(new Set(firsts.flat()).size).toBe(ids.length);
});

test('auditors: known workers, alone; rather not who vouched for it; strangers by twos; four while nobody is known', () => {
  const known = (workerId: string): Subject => ({ workerId, standing: passed(unknownStanding, ['v']) });
  const subject = { workerId: 'w0', standing: passed(unknownStanding, ['w1']) };
  expect(auditorsOf(subject, newcomers, false)).toEqual(['w2', 'w3', 'w4', 'w5']);
  expect(auditorsOf(subject, newcomers, true)).toEqual(['w2', 'w3']);
  expect(auditorsOf(subject, [...newcomers, known('w1'), known('w13')], true)).toEqual(['w13']);
  expect(auditorsOf(subject, [...newcomers.slice(2), known('w1')], true)).toEqual(['w1']);
  expect(auditorsOf(subject, newcomers.slice(0, 1), false)).toEqual([]);
});

test('whoever has spoken falsely audits nobody while others may, however good its work', () => {
  const liar = { workerId: 'w8', standing: passed(struck(unknownStanding, 'it lied'), ['v', 'w']) };
  expect(auditorsOf(newcomers[0]!, [liar, ...newcomers.slice(1, 3)], true)).toEqual(['w1', 'w2']);
  expect(auditorsOf(newcomers[0]!, [liar], true)).toEqual(['w8']);
});

/** Rounds between two audits of the same worker, all audits passed: the longest and the mean, after the first of each. */
function gaps(standing: Standing, budget: number, rounds: number): { longest: number; mean: number } {
  let subjects = ids.map((workerId) => ({ workerId, standing: { ...standing, lookedAt: 0 } }));
  const found: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const audited = new Set(drawAudits(subjects, { round, budget, random: createRandom(round, 9) }));
    found.push(...subjects.flatMap((one) => (audited.has(one.workerId) ? [round - one.standing.lookedAt] : [])));
    subjects = subjects.map((one) =>
      audited.has(one.workerId) ? { ...one, standing: { ...one.standing, lookedAt: round } } : one,
    );
  }
  return { longest: Math.max(...found), mean: found.reduce((a, b) => a + b) / found.length };
}

test('nobody goes unaudited for long by luck: newcomers share the budget, trusted workers wait twice their time at most', () => {
  const untrusted = gaps(unknownStanding, 2, 2_000); // 12 workers, 2 a round
  expect(untrusted.mean).toBeCloseTo(6, 0);
  expect(untrusted.longest).toBeLessThanOrEqual(10);
  const trusted = gaps({ ...unknownStanding, valid: 20, audits: 20 }, 2, 4_000);
  expect(trusted.mean).toBeGreaterThan(16);
  expect(trusted.mean).toBeLessThan(24);
  expect(trusted.longest).toBeLessThanOrEqual(42);
});

test('every subject has its judges, every judge about as many subjects, no two subjects the same two', () => {
  for (let seed = 0; seed < 50; seed++) {
    const pairs = drawJudges(ids, ids, 2, createRandom(seed));
    const both = ids.map((id) => pairs.flatMap(({ subject, checker }) => (subject === id ? [checker] : [])).toSorted());
    expect(new Set(both.map((pair) => pair.join(' '))).size).toBe(ids.length);
  }
  const pairs = drawJudges(ids, ids, 2, createRandom(3));
  for (const id of ids) {
    const judges = pairs.filter(({ subject }) => subject === id).map(({ checker }) => checker);
    expect(new Set(judges).size).toBe(2);
    expect(judges).not.toContain(id);
    expect(pairs.filter(({ checker }) => checker === id).length).toBeGreaterThanOrEqual(1);
    expect(pairs.filter(({ checker }) => checker === id).length).toBeLessThanOrEqual(3);
  }
  expect(drawJudges(['w0', 'w1'], ['w0'], 2, createRandom(1))).toEqual([{ subject: 'w1', checker: 'w0' }]);
  expect(drawJudges(['w0'], ['w0'], 2, createRandom(1))).toEqual([]);
});

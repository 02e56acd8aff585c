import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { drawAudits, drawJudges } from './draw.ts';
import { gated, passed, unknownStanding } from './standing.ts';

const ids = Array.from({ length: 12 }, (_, i) => `w${i}`);
const newcomers = ids.map((workerId) => ({ workerId, standing: unknownStanding }));

test('nobody checks itself, and nobody checks two', () => {
  for (let seed = 0; seed < 50; seed++) {
    const pairs = drawAudits(newcomers, ids, 12, createRandom(seed));
    expect(pairs.every(({ subject, checker }) => subject !== checker)).toBe(true);
    expect(new Set(pairs.map(({ checker }) => checker)).size).toBe(pairs.length);
    expect(new Set(pairs.map(({ subject }) => subject)).size).toBe(pairs.length);
  }
  expect(drawAudits(newcomers.slice(0, 1), ['w0'], 5, createRandom(1))).toEqual([]);
});

test('the budget holds, its fraction on average', () => {
  const counts = Array.from({ length: 400 }, (_, seed) => drawAudits(newcomers, ids, 2.25, createRandom(seed)).length);
  expect(new Set(counts)).toEqual(new Set([2, 3]));
  expect(counts.reduce((a, b) => a + b) / counts.length).toBeCloseTo(2.25, 1);
});

test('refused work is looked at first, then whoever was audited least', () => {
  const once = passed(unknownStanding, 'v');
  const subjects = ids.map((workerId) => ({ workerId, standing: once }));
  subjects[7] = { workerId: 'w7', standing: gated(passed(once, 'v'), false) };
  subjects[3] = { workerId: 'w3', standing: unknownStanding };
  expect(drawAudits(subjects, ids, 2, createRandom(4)).map(({ subject }) => subject)).toEqual(['w7', 'w3']);
});

test('every subject has its judges, every judge about as many subjects', () => {
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

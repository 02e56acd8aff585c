import { expect, test } from 'vitest';
import { judgeRound } from './loss-gate.ts';
import type { Judgement, Verdict } from './loss-gate.ts';

/** One candidate an entry, all judged by one judge: improvements in nats from a loss of 3. */
function findings(improvements: readonly number[], tokens = improvements.map(() => 100)): Verdict['finding'][] {
  const candidates = improvements.map((_, k) => ({ workerId: `w${k}`, tokens: tokens[k]! }));
  const judgements = improvements.map((improvement, k) => judgement('judge', `w${k}`, improvement));
  return judgeRound(candidates, judgements).map(({ finding }) => finding);
}

function judgement(judge: string, workerId: string, improvement: number): Judgement {
  return { judge, workerId, before: 3, after: 3 - improvement };
}

test('what lowers the loss counts, what raises it is harmful, what does nothing is useless', () => {
  expect(findings([0.2, 0.25, 0.15, -0.2, 0.001])).toEqual(['useful', 'useful', 'useful', 'harmful', 'useless']);
  expect(findings([0.2, NaN, -Infinity])).toEqual(['useful', 'harmful', 'harmful']);
});

test('4 liars of 10 do not shift what is expected enough to pass or to push honest workers out', () => {
  const honest = [0.2, 0.1, 0.3, 0.22, 0.18, 0.25];
  const passed = honest.map(() => 'useful');
  for (const lie of [-5, -0.05, 0]) {
    const found = findings([...honest, lie, lie, lie, lie]);
    expect(found.slice(0, 6)).toEqual(passed);
    expect(found.slice(6).includes('useful')).toBe(false);
  }
  expect(findings([...honest, 9, 9, 9, 9]).slice(0, 6)).toEqual(passed);
});

test('a slow worker is held to its own tokens', () => {
  expect(findings([0.2, 0.2, 0.2, 0.012], [1000, 1000, 1000, 60])).toEqual(['useful', 'useful', 'useful', 'useful']);
  expect(findings([0.2, 0.2, 0.2, 0.012])[3]).toBe('useless');
});

test('late in training, when a round hardly shows, only harm is refused', () => {
  expect(findings([0.001, 0.0005, -0.002, -0.0001, -0.1])).toEqual(['useful', 'useful', 'useful', 'useful', 'harmful']);
});

test('the median judge decides; nobody judges itself or twice', () => {
  const candidates = ['a', 'b', 'c'].map((workerId) => ({ workerId, tokens: 100 }));
  const fair = ['b', 'c'].flatMap((judge) => candidates.map(({ workerId }) => judgement(judge, workerId, 0.2)));
  const liar = [judgement('a', 'a', 9), ...Array.from({ length: 9 }, () => judgement('a', 'b', -9))];
  const self = judgeRound(candidates, [...fair, ...liar]);
  expect(self.map(({ finding }) => finding)).toEqual(['useful', 'harmful', 'useful']); // b: judged by a and c alone
  const third = judgeRound([...candidates], [...fair, ...liar, judgement('d', 'b', 0.2)]);
  expect(third.find(({ workerId }) => workerId === 'b')).toMatchObject({ counts: true, finding: 'useful' });
});

test('a round without judges, or with judges that measured nothing, counts', () => {
  const candidates = [{ workerId: 'a', tokens: 100 }];
  const unjudged = [{ workerId: 'a', counts: true, finding: 'unjudged', improvement: null }];
  expect(judgeRound(candidates, [])).toEqual(unjudged);
  expect(judgeRound(candidates, [{ judge: 'b', workerId: 'a', before: NaN, after: 1 }])).toEqual(unjudged);
  expect(judgeRound(candidates, [judgement('b', 'elsewhere', 1), judgement('a', 'a', 1)])).toEqual(unjudged);
});

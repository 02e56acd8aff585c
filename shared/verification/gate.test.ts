import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { awaited, heard, openGate, rule, widen } from './gate.ts';
import type { Gate } from './gate.ts';
import { gated, gateProbability, passed, unknownStanding } from './standing.ts';
import type { Standing } from './standing.ts';

const ids = Array.from({ length: 8 }, (_, i) => `w${i}`);
const contributions = ids.map((workerId) => ({ workerId, hash: `hash of ${workerId}`, tokens: 100 }));
// Of this seed no honest contribution has two of the liars below as its judges.
const open = (judges = ids): Gate => openGate(contributions, () => 1, judges, createRandom(1));

type Loss = (judge: string, hash: string) => number | null;

/** All who are asked answer: 3 nats before, and `after` by judge and hash. */
function answered(gate: Gate, after: Loss, before: (judge: string) => number = () => 3): Gate {
  return awaited(gate, ids).reduce((next, judge) => {
    const losses = gate.asked[judge]!.map((hash) => [hash, after(judge, hash)]);
    return heard(next, judge, { before: before(judge), after: Object.fromEntries(losses) });
  }, gate);
}

test('two judges each, never the author; without judges everything counts', () => {
  const { asked } = open();
  for (const { workerId, hash } of contributions) {
    const judges = ids.filter((id) => asked[id]?.includes(hash));
    expect(judges).toHaveLength(2);
    expect(judges).not.toContain(workerId);
  }
  expect(rule(open([]), contributions).verdicts.every(({ counts }) => counts)).toBe(true);
});

/** Part of 40 workers' contributions that a round measures, on average. */
function judgedShare(chance: number): number {
  const many = Array.from({ length: 40 }, (_, i) => ({ workerId: `w${i}`, hash: `hash of w${i}`, tokens: 100 }));
  const workers = many.map(({ workerId }) => workerId);
  const judged = Array.from({ length: 100 }, (_, seed) => {
    const { asked } = openGate(many, () => chance, workers, createRandom(seed));
    return new Set(Object.values(asked).flat()).size;
  });
  return judged.reduce((a, b) => a + b) / (100 * many.length);
}

test('a third of what newcomers send is measured, of trusted workers a tenth, of doubtful ones and without audits all', () => {
  const trusted = Array.from({ length: 40 }).reduce<Standing>((was) => passed(was, ['v']), unknownStanding);
  const doubtful = gated(trusted, false);
  const shares = [unknownStanding, trusted, doubtful].map((standing) => judgedShare(gateProbability(standing, true)));
  expect(shares[0]).toBeCloseTo(1 / 3, 1);
  expect(shares[1]).toBeCloseTo(0.14, 1); // five at least
  expect(shares[2]).toBe(1);
  expect(gateProbability(trusted, false)).toBe(1);
});

test('so many are measured that they can be compared, by few judges', () => {
  const { asked } = openGate(contributions, () => 0, ids, createRandom(1));
  expect(new Set(Object.values(asked).flat()).size).toBe(5);
  expect(Object.keys(asked)).toHaveLength(5);
  expect(
    new Set(Object.values(openGate(contributions.slice(0, 2), () => 0, ids, createRandom(5)).asked).flat()).size,
  ).toBe(2);
});

test('what raises the loss is refused, and judges that agree need nobody else', () => {
  const gate = answered(open(), (_, hash) => (hash === 'hash of w2' ? 3.5 : 2.9));
  expect(awaited(gate, ids)).toEqual([]);
  expect(widen(gate, contributions, ids)).toBe(gate);
  const { verdicts, liars, broken } = rule(gate, contributions);
  expect(verdicts.filter(({ counts }) => !counts).map(({ workerId }) => workerId)).toEqual(['w2']);
  expect([liars, broken]).toEqual([[], []]);
});

test('who measures what most others do not has lied, whatever it says', () => {
  const liars = ['w0', 'w1', 'w2'];
  const loss: Loss = (judge, hash) => {
    const isFriend = liars.some((id) => hash.endsWith(id));
    if (liars.includes(judge)) return isFriend ? 2.9 : 3.4;
    return isFriend ? 3.3 : 2.8;
  };
  const first = answered(open(), loss);
  const wide = widen(first, contributions, ids);
  expect(awaited(wide, ids).length).toBeGreaterThan(0);
  const ruling = rule(answered(wide, loss), contributions);
  expect(ruling.liars.toSorted()).toEqual(liars);
  expect(ruling.verdicts.filter(({ counts }) => !counts).map(({ workerId }) => workerId)).toEqual(liars);
});

test('a false loss of the agreed state is a lie too, a difference of arithmetic is none', () => {
  const same: Loss = () => 2.9;
  expect(
    rule(
      answered(open(), same, (judge) => (judge === 'w4' ? 2 : 3)),
      contributions,
    ).liars,
  ).toEqual(['w4']);
  expect(
    rule(
      answered(open(), (judge) => 2.9 + 1e-4 * Number(judge.slice(1))),
      contributions,
    ).liars,
  ).toEqual([]);
});

test('a payload that most cannot read is broken', () => {
  const unreadable: Loss = (judge, hash) => (hash !== 'hash of w6' ? 2.9 : judge === 'w3' ? 2.9 : null);
  const ruling = rule(answered(widen(answered(open(), unreadable), contributions, ids), unreadable), contributions);
  expect(ruling.broken).toEqual(['w6']);
  expect(ruling.verdicts.find(({ workerId }) => workerId === 'w6')!.counts).toBe(false);
});

test('answers nobody asked for are dropped', () => {
  const gate = heard(open(), 'w0', { before: 3, after: { 'hash of w0': 1 } });
  expect(gate.said['w0']!.after).toEqual({});
});

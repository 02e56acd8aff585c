import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import { awaited, heard, openGate, rule, widen } from './gate.ts';
import type { Gate } from './gate.ts';
import { passed, unknownStanding } from './standing.ts';

const ids = Array.from({ length: 8 }, (_, i) => `w${i}`);
const contributions = ids.map((workerId) => ({ workerId, hash: `hash of ${workerId}`, tokens: 100 }));
const open = (judges = ids): Gate => openGate(contributions, () => unknownStanding, judges, createRandom(5));

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

test('trusted workers are judged now and then, not always', () => {
  let trusted = unknownStanding;
  for (let audit = 0; audit < 40; audit++) trusted = passed(trusted, 'v');
  const judged = Array.from({ length: 100 }, (_, seed) => {
    const { asked } = openGate(contributions, () => trusted, ids, createRandom(seed));
    return new Set(Object.values(asked).flat()).size;
  });
  const share = judged.reduce((a, b) => a + b) / (100 * contributions.length);
  expect(share).toBeGreaterThan(0.15);
  expect(share).toBeLessThan(0.35);
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

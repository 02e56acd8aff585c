import { expect, test } from 'vitest';
import { deal, neighbourhoods, nodesOf, placed } from './overlay.ts';
import type { Overlay } from './overlay.ts';

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index}`);
const everyone = (): boolean => true;
const overlay = (kind: Overlay['kind'], groups: string[][], branching = 4): Overlay => ({
  kind,
  groups,
  branching,
  since: 0,
});

test.each([1, 2, 3, 5, 16, 17, 100, 1001])(
  '%i workers are dealt once each into groups of about eight, none alone',
  (count) => {
    const groups = deal(ids(count), 8, 1);
    expect(groups.flat().toSorted()).toEqual(ids(count).toSorted());
    const sizes = groups.map((group) => group.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(Math.min(2, count));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(12);
  },
);

test('a seed deals the same groups, another one others', () => {
  expect(deal(ids(40), 8, 1, 2)).toEqual(deal(ids(40), 8, 1, 2));
  expect(deal(ids(40), 8, 1, 2)).not.toEqual(deal(ids(40), 8, 1, 3));
});

test('a newcomer comes to the smallest group', () => {
  expect(placed([['a', 'b'], ['c']], 'd', 2)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
  expect(placed([['a', 'b']], 'd', 2)).toEqual([['a', 'b'], ['d']]);
  expect(placed([], 'd', 2)).toEqual([['d']]);
});

test('groups meet in one node that does not fold', () => {
  const nodes = nodesOf(overlay('groups', deal(ids(12), 4, 1)), everyone);
  expect(nodes.map(({ folds }) => folds)).toEqual([true, true, true, false]);
  expect(nodes.at(-1)).toMatchObject({ children: [0, 1, 2] });
  expect(nodes.at(-1)!.members).toHaveLength(6);
});

test('a tree ends in one node above all others, and no node has more than `branching` children', () => {
  const nodes = nodesOf(overlay('tree', deal(ids(1000), 10, 1)), everyone);
  const children = nodes.flatMap((node) => node.children);
  expect(children.toSorted((a, b) => a - b)).toEqual(nodes.slice(0, -1).map((_, index) => index));
  expect(Math.max(...nodes.map((node) => node.children.length))).toBe(4);
  expect(nodes.every(({ folds }) => folds)).toBe(true);
});

test('whoever is absent does not speak for its group', () => {
  const [top] = nodesOf(
    overlay('groups', [
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]),
    (id) => id !== 'a',
  ).slice(-1);
  expect(top!.members).toEqual(['b', 'c', 'd', 'e']);
});

test('in a mesh everyone is linked with everyone, in a ring with two', () => {
  expect(neighbourhoods(overlay('mesh', [ids(5)]), everyone).get('w3')!.size).toBe(5);
  expect([...neighbourhoods(overlay('ring', [ids(5)]), everyone).get('w0')!].toSorted()).toEqual(['w0', 'w1', 'w4']);
});

test('links of a worker do not grow with the swarm', () => {
  const most = (count: number): number => {
    const linked = neighbourhoods(overlay('tree', deal(ids(count), 16, 1), 8), everyone);
    return Math.max(...[...linked.values()].map((others) => others.size));
  };
  expect(most(10_000)).toBeLessThanOrEqual(16 + 16 * 4);
  const linked = neighbourhoods(overlay('tree', deal(ids(10_000), 16, 1), 8), everyone);
  const mean = [...linked.values()].reduce((sum, others) => sum + others.size, 0) / 10_000;
  expect(mean).toBeLessThan(20);
});

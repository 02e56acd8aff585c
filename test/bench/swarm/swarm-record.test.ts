import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { swarmSvg } from './swarm-plot.ts';
import { alone, dense, denseMuon, rowsOf, SwarmRecord } from './swarm-record.ts';
import type { SwarmRow, SwarmRun } from './swarm-record.ts';

function run(setting: string, seed: number, loss: number, payloadBytes = 0): SwarmRun {
  const sizes = { tokens: 1000, rounds: 3, parameters: 100, denseBytes: 40_000, seconds: 1 };
  return { part: '4 workers', setting, seed, job: `${setting} ${seed}`, loss, payloadBytes, ...sizes };
}

const runs = [run(dense, 1, 2), run(dense, 2, 4), run('few bytes', 1, 2.2, 400), run('few bytes', 2, 4.2, 400)];

function valueOf(name: string, unit: string): SwarmRow | undefined {
  return rowsOf(runs).find((row) => row.name === `4 workers: ${name}` && row.unit === unit);
}

test('a gap is the mean of the gaps to dense of the same seed, with its spread', () => {
  expect(valueOf('few bytes', 'nats/byte')).toMatchObject({ value: 3.2, dense: 3, seeds: 2 });
  expect(valueOf('few bytes', '% above dense')).toMatchObject({ value: 7.5, dense: 0, seeds: 2, spread: 3.5355 });
  expect(valueOf(dense, '% above dense')).toMatchObject({ value: 0 });
});

test('against Muon without compression too, where that was measured', () => {
  const rows = rowsOf([...runs, run(denseMuon, 1, 1.6)]);
  const found = rows.filter(({ name, unit }) => name === '4 workers: few bytes' && unit.startsWith('% above'));
  expect(found).toMatchObject([{ value: 7.5 }, { unit: '% above dense Muon', value: 37.5, seeds: 1 }]);
  expect(valueOf('few bytes', '% above dense Muon')).toBeUndefined();
});

test('bytes: against a float32 gradient of each worker in every step; controls have none', () => {
  expect(valueOf('few bytes', 'times fewer bytes')).toMatchObject({ value: 100 });
  expect(valueOf('few bytes', 'bytes/token/10^9 parameters')).toMatchObject({ value: 4e6, dense: 4e8 });
  expect(valueOf(dense, 'times fewer bytes')).toBeUndefined();
});

test('what was measured is found again by another process', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'swarm-record-')), 'swarm.json');
  const first = new SwarmRecord(file);
  for (const one of runs) first.add(one);
  const second = new SwarmRecord(file);
  expect(second.find('few bytes 2')).toEqual(runs[3]);
  expect(second.find('few bytes 3')).toBeNull();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ rows: rowsOf(runs), runs });
});

test('the plot has a line for each optimizer, with a point for each setting that exchanges and the controls of that optimizer', () => {
  const muon = [run(denseMuon, 1, 1.6), run('Muon, few bytes', 1, 1.8, 500)];
  const svg = swarmSvg(rowsOf([...runs, run(alone, 1, 2.5), ...muon]));
  expect(svg.match(/<circle/g)).toHaveLength(2);
  expect(svg.match(/stroke-dasharray/g)).toHaveLength(3);
  for (const label of ['4 workers, Muon', '4 workers, AdamW', '4 workers, one worker alone', '-20'])
    expect(svg).toContain(`>${label}</text>`);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

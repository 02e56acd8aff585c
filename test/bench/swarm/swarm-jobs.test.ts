import { expect, test } from 'vitest';
import { asNow, jobsOf, jobText } from './swarm-jobs.ts';
import { SwarmRecord } from './swarm-record.ts';
import { parts, settings } from './swarm-settings.ts';
import type { SwarmPart } from './swarm-settings.ts';

const muon = '100x: Muon, signs every 3 then 4 steps';
const adamw = '500x: top 1/16 every 9 steps';
const part: SwarmPart = { name: 'p', workers: 4, seeds: [2, 5], settings: [muon], once: [adamw], changes: {} };

test('controls and settings of each seed, and what is measured once with the first', () => {
  const jobs = jobsOf(part).map(({ setting, workers, manifest: { spec } }) => ({ setting, workers, seed: spec.seed }));
  expect(jobs.filter(({ seed }) => seed === 2).map(({ setting }) => setting)).toEqual([
    'dense all-reduce in every step',
    'one worker alone',
    'dense all-reduce in every step, Muon',
    'one worker alone, Muon',
    muon,
    adamw,
  ]);
  expect(jobs.filter(({ seed }) => seed === 5).map(({ setting }) => setting)).not.toContain(adamw);
  expect(jobs.filter(({ workers }) => workers === 4)).toHaveLength(3);
});

test('dense has all windows in each batch, alone a share of the tokens', () => {
  const [dense, alone] = jobsOf(part).map(({ manifest }) => manifest.spec);
  expect([dense!.optimizer.batchSize, dense!.runtime.maxTokens]).toEqual([8, 1_000_000]);
  expect([alone!.optimizer.batchSize, alone!.runtime.maxTokens]).toEqual([2, 250_000]);
});

test('no controls with Muon where no setting has it', () => {
  const names = jobsOf({ ...part, settings: [adamw], once: [] }).map(({ setting }) => setting);
  expect(new Set(names)).toEqual(new Set(['dense all-reduce in every step', 'one worker alone', adamw]));
});

test('a job of an older record is found though fields came since and their order changed', () => {
  const job = jobsOf(part)[4]!;
  const { exchange, ...rounds } = job.manifest.spec.rounds;
  expect(exchange).toBe('differences');
  const older = JSON.stringify({ workers: 4, spec: { ...job.manifest.spec, rounds } });
  expect(older).not.toBe(jobText(job));
  expect(asNow(older)).toBe(jobText(job));
});

test('every part compares settings that exist', () => {
  const names = new Set(settings.map(({ name }) => name));
  const missing = parts.flatMap(({ settings: own, once = [] }) => [...own, ...once]).filter((name) => !names.has(name));
  expect(missing).toEqual([]);
});

test('the record in the repository has every run of every part', () => {
  const record = new SwarmRecord('test/bench/results/swarm.json', asNow);
  const missing = parts.flatMap((one) =>
    jobsOf(one)
      .filter((job) => record.find(jobText(job)) === null)
      .map(({ setting, manifest }) => `${one.name}: ${setting}, seed ${manifest.spec.seed}`),
  );
  expect(missing).toEqual([]);
});

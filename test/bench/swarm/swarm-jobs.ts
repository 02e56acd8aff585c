// The jobs of a part: the controls and the settings of every seed, and the text by which a record finds a job again.

import type { Manifest } from '../../../shared/manifest/manifest.ts';
import { manifestWith } from './manifest-with.ts';
import { alone, aloneMuon, dense, denseMuon } from './swarm-record.ts';
import { reference, settings } from './swarm-settings.ts';
import type { SwarmPart, SwarmSetting } from './swarm-settings.ts';

/** What is trained once, and what it shows. */
export interface SwarmJob {
  readonly setting: string;
  readonly workers: number;
  readonly manifest: Manifest;
}

/** A trainer by itself, in portions so that the learning rate follows its schedule. */
const localOnly = { 'spec.rounds': { innerSteps: 10, compression: 'none' } };
/** The controls' other optimizer: 3e-3 and 6e-3 are no better for dense, 4e-3 is worse alone, momentum 0.95 gains neither. */
const withMuon = { 'spec.optimizer.kind': 'muon', 'spec.optimizer.momentum': 0.9 };
const aloneWithMuon = { ...withMuon, 'spec.optimizer.learningRate': 3e-3 };

/**
 * Seed after seed, the controls first.
 * @param base what all parts' jobs are made from
 * @param seeds others than the part's
 */
export function jobsOf(
  part: SwarmPart,
  base: unknown = reference,
  seeds: readonly number[] = part.seeds,
  only: readonly SwarmSetting[] = settings,
): SwarmJob[] {
  return seeds.flatMap((seed) => {
    const seeded = manifestWith(base, { ...part.changes, 'spec.seed': seed });
    const names = [...part.settings, ...(seed === part.seeds[0] ? (part.once ?? []) : [])];
    const compared = only.filter(({ name }) => names.includes(name));
    return [
      ...controlsOf(part, seeded),
      ...compared.map(({ name, changes }) => ({
        setting: name,
        workers: part.workers,
        manifest: manifestWith(seeded, changes),
      })),
    ];
  });
}

/** Dense is one trainer with all workers' windows in each batch; alone trains on a worker's share of the tokens. */
function controlsOf(part: SwarmPart, { spec, ...others }: Manifest): SwarmJob[] {
  const batchSize = spec.optimizer.batchSize * part.workers;
  const maxTokens = Math.ceil(spec.runtime.maxTokens! / part.workers);
  const denseJob = { ...localOnly, 'spec.optimizer.batchSize': batchSize };
  const aloneJob = { ...localOnly, 'spec.runtime.maxTokens': maxTokens };
  const changes: (readonly [string, Record<string, unknown>])[] = [
    [dense, denseJob],
    [alone, aloneJob],
  ];
  if (hasMuon(part))
    changes.push([denseMuon, { ...denseJob, ...withMuon }], [aloneMuon, { ...aloneJob, ...aloneWithMuon }]);
  return changes.map(([setting, change]) => ({
    setting,
    workers: 1,
    manifest: manifestWith({ spec, ...others }, change),
  }));
}

function hasMuon({ settings: names }: SwarmPart): boolean {
  return settings.some(({ name, changes }) => names.includes(name) && changes['spec.optimizer.kind'] === 'muon');
}

/** Everything that decides a job's result. */
export function jobText({ workers, manifest }: Pick<SwarmJob, 'workers' | 'manifest'>): string {
  return JSON.stringify({ workers, spec: manifest.spec }, inOrder);
}

/** A job of an older record, with the defaults of fields that manifests have had since. */
export function asNow(job: string): string {
  const { workers, spec } = JSON.parse(job) as { workers: number; spec: unknown };
  return jobText({ workers, manifest: manifestWith({ ...reference, spec }, {}) });
}

/** Parsing a manifest again may leave its fields in another order. */
function inOrder(_key: string, value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value;
}

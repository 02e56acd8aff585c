// How many workers a job may have. What everyone has to hear of everyone ends at a thousand.

import { z } from 'zod';
import { topologySettings } from './topology.ts';
import type { Topology } from './topology.ts';
import type { Verification } from './verification.ts';

export const maxWorkers = 20_000;
/** Of a job whose workers all exchange with all, and all that one object holds the sockets of. */
export const manyWorkers = 1_000;

export const workersSchema = z
  .strictObject({
    min: z.int().min(1).max(maxWorkers).default(1), // a job starts with so many
    max: z.int().min(1).max(maxWorkers).default(16), // further ones get other jobs
  })
  .refine((workers) => workers.min <= workers.max, { message: 'must not be below min', path: ['max'] });

/** Why a job cannot have so many workers; null if it can. */
export function tooManyFor(max: number, topology: Topology, verification: Verification): string | null {
  if (max <= manyWorkers) return null;
  const { kind } = topologySettings(topology);
  const why = verification !== 'none' ? 'verification' : kind === 'mesh' || kind === 'ring' ? `topology ${kind}` : null;
  return (
    why &&
    `${why} has everyone hear of everyone: at most ${manyWorkers} workers, or topology auto, groups or tree without verification`
  );
}

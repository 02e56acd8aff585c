// The catalogue of datasets in D1; their bytes lie in R2 under `storeKey`.

import { eq } from 'drizzle-orm';
import type { Database } from '../db/database.ts';
import { database } from '../db/database.ts';
import { datasets } from '../db/schema.ts';
import type { Env } from '../env.ts';
import { ledger } from '../ledger/writer.ts';

export type Dataset = typeof datasets.$inferSelect;

export function datasetKey(sha256: string): string {
  return `datasets/${sha256}`;
}

export async function findDataset(db: Database, sha256: string): Promise<Dataset | null> {
  const [row] = await db.select().from(datasets).where(eq(datasets.sha256, sha256));
  return row ?? null;
}

/** Makes stored bytes known. Repeating it keeps the first entry. */
export async function registerDataset(env: Env, dataset: Dataset): Promise<void> {
  const { sha256, bytes, source } = dataset;
  await database(env.DB).insert(datasets).values(dataset).onConflictDoNothing();
  await ledger(env).append([
    {
      key: `${sha256}/stored`,
      event: { type: 'dataset.stored', version: 1, subject: sha256, data: { bytes, source } },
    },
  ]);
}

// The D1 tables. `ledger_event` is the truth and append-only (triggers refuse update and delete); the others are
// projections and catalogues that make lists cheap. Times are unix milliseconds, hashes lower-case hex.

import { index, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { JobState } from '../../shared/rounds/types.ts';
import type { JobView, JobWorker } from '../../shared/api/schemas.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import type { Reputation } from '../../shared/verification/reputation.ts';
import type { Frontier } from '../../shared/merkle/frontier.ts';

export const jobs = sqliteTable(
  'job',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    owner: text('owner').notNull(),
    manifest: text('manifest', { mode: 'json' }).$type<Manifest>().notNull(),
    datasetHash: text('dataset_hash').notNull(),
    datasetBytes: integer('dataset_bytes').notNull(),
    createdAt: integer('created_at').notNull(),
    // From here on written by the job's room, so that a list needs no Durable Object.
    state: text('state').$type<JobState>().notNull(),
    reason: text('reason').notNull(),
    startedAt: integer('started_at'),
    endedAt: integer('ended_at'),
    round: integer('round').notNull().default(0),
    tokens: integer('tokens').notNull().default(0),
    tokensPerSecond: real('tokens_per_second').notNull().default(0),
    progress: real('progress').notNull().default(0),
    etaMs: real('eta_ms'),
    trainLoss: real('train_loss'),
    validationLoss: real('validation_loss'),
    workers: text('workers', { mode: 'json' }).$type<JobWorker[]>().notNull().default([]),
    workersPresent: integer('workers_present').notNull().default(0),
    evaluation: text('evaluation', { mode: 'json' }).$type<JobView['evaluation']>(),
  },
  (table) => [index('job_by_state').on(table.state, table.createdAt)],
);

export const workers = sqliteTable(
  'worker',
  {
    id: text('id').primaryKey(),
    kind: text('kind').$type<'page' | 'node'>().notNull(),
    adapter: text('adapter').notNull(),
    name: text('name').notNull(),
    jobId: text('job_id'), // the job it was last given
    seenAt: integer('seen_at').notNull(),
  },
  (table) => [index('worker_by_seen').on(table.seenAt)],
);

export const datasets = sqliteTable('dataset', {
  sha256: text('sha256').primaryKey(),
  bytes: integer('bytes').notNull(),
  source: text('source').notNull(), // where its uploader had it from, for people
  storeKey: text('store_key').notNull(), // R2 key
  createdAt: integer('created_at').notNull(),
});

/** Folded from the ledger, in the transaction that appends to it; see market/reputation.ts. */
export const reputations = sqliteTable(
  'reputation',
  {
    workerId: text('worker_id').primaryKey(),
    bannedUntil: integer('banned_until').notNull(), // 0 = not banned
    reputation: text('reputation', { mode: 'json' }).$type<Reputation>().notNull(),
  },
  (table) => [index('reputation_by_ban').on(table.bannedUntil)],
);

export const ledgerEvents = sqliteTable(
  'ledger_event',
  {
    seq: integer('seq').primaryKey(), // 0, 1, 2, … without gaps: the leaf's index in the Merkle log
    key: text('key').notNull().unique(), // the writer's idempotency key; not part of the event
    at: integer('at').notNull(),
    type: text('type').notNull(),
    version: integer('version').notNull(),
    subject: text('subject').notNull(),
    data: text('data').notNull(), // JSON
    leafHash: text('leaf_hash').notNull(),
  },
  (table) => [index('ledger_event_by_subject').on(table.subject, table.seq)],
);

/** One row: the Merkle frontier that the next append continues from, and the root it stands for. */
export const ledgerHead = sqliteTable('ledger_head', {
  id: integer('id').primaryKey(),
  frontier: text('frontier', { mode: 'json' }).$type<Frontier>().notNull(),
  root: text('root').notNull(),
});

// Brings a D1 database up to date with the generated migrations. Which ones are in is kept in `d1_migrations`, the table
// that `wrangler d1 migrations apply` keeps, so that both can serve the same database.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The part of a D1 binding that migrating needs. */
export interface SqlDatabase<Statement> {
  prepare(sql: string): Statement & { bind(...values: unknown[]): Statement; all<Row>(): Promise<{ results: Row[] }> };
  batch(statements: Statement[]): Promise<unknown>;
}

const createTable = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** Applies each migration that is not in yet, in the order of its name, all of it or nothing. Returns their names. */
export async function applyMigrations<Statement>(database: SqlDatabase<Statement>, folder: string): Promise<string[]> {
  await database.batch([database.prepare(createTable)]);
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
  const applied = new Set(results.map((row) => row.name));
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql') && !applied.has(name));
  for (const name of names.toSorted()) {
    const statements = statementsOf(readFileSync(join(folder, name), 'utf8')).map((sql) => database.prepare(sql));
    const record = database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name);
    await database.batch([...statements, record]);
  }
  return names;
}

/** Drizzle separates statements with a marker, because a trigger has semicolons inside. */
export function statementsOf(sql: string): string[] {
  return sql
    .split('--> statement-breakpoint')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

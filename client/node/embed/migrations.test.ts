import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { applyMigrations, statementsOf } from './migrations.ts';
import type { SqlDatabase } from './migrations.ts';

interface Prepared {
  sql: string;
  values: string[];
}

/** Node's own SQLite behind the shape of a D1 binding; a batch is one transaction, as in D1. */
function sqlite(): SqlDatabase<Prepared> & { database: DatabaseSync } {
  const database = new DatabaseSync(':memory:');
  const prepare = (sql: string) => ({
    sql,
    values: [],
    bind: (...values: unknown[]) => ({ sql, values: values as string[] }),
    all: async <Row>() => ({ results: database.prepare(sql).all() as Row[] }),
  });
  const batch = async (statements: Prepared[]) => {
    database.exec('BEGIN');
    try {
      for (const { sql, values } of statements) database.prepare(sql).run(...values);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  };
  return { database, prepare, batch };
}

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'loomos-migrations-'));
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql);
  return folder;
}

test('applies what is new in the order of names, and nothing twice', async () => {
  const database = sqlite();
  const folder = folderWith({ '0001_b.sql': 'INSERT INTO t VALUES (2)', '0000_a.sql': 'CREATE TABLE t (x)' });
  expect(await applyMigrations(database, folder)).toEqual(['0000_a.sql', '0001_b.sql']);
  writeFileSync(join(folder, '0002_c.sql'), 'INSERT INTO t VALUES (3)');
  expect(await applyMigrations(database, folder)).toEqual(['0002_c.sql']);
  expect(database.database.prepare('SELECT x FROM t').all()).toEqual([{ x: 2 }, { x: 3 }]);
});

test('a migration that fails leaves nothing behind and is tried again', async () => {
  const database = sqlite();
  const folder = folderWith({
    '0000_a.sql': 'CREATE TABLE t (x)\n--> statement-breakpoint\nINSERT INTO nowhere VALUES (1)',
  });
  await expect(applyMigrations(database, folder)).rejects.toThrow(/nowhere/);
  writeFileSync(join(folder, '0000_a.sql'), 'CREATE TABLE t (x)');
  expect(await applyMigrations(database, folder)).toEqual(['0000_a.sql']);
});

test('a trigger stays one statement', () => {
  const trigger = 'CREATE TRIGGER a BEFORE UPDATE ON t BEGIN SELECT 1; SELECT 2; END';
  expect(statementsOf(`${trigger};--> statement-breakpoint\n\nSELECT 3;`)).toEqual([`${trigger};`, 'SELECT 3;']);
});

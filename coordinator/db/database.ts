// Drizzle over the D1 binding. Many rows are written with one JSON parameter and json_each: D1 allows 100 bound parameters.

import { drizzle } from 'drizzle-orm/d1';
import type { DrizzleD1Database } from 'drizzle-orm/d1';

export type Database = DrizzleD1Database;

export function database(binding: D1Database): Database {
  return drizzle(binding);
}

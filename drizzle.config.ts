// How `drizzle-kit generate` turns coordinator/db/schema.ts into the migrations that wrangler applies to D1.

import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './coordinator/db/schema.ts',
  out: './coordinator/db/migrations',
});

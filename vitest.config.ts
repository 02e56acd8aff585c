// Two projects: `unit` runs the tests beside the code in Node, `workerd` runs the coordinator's inside the Workers runtime.
// The GPU driver comes from the environment that scripts/run.mjs prepares.

import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig, defineProject } from 'vitest/config';
import { driverEnvironment } from './scripts/setup/driver.mjs';

const unit = defineProject({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    name: 'unit',
    include: ['{shared,kernels,client,scripts}/**/*.test.{ts,tsx,mjs}', 'test/golden/**/*.test.ts'],
    pool: 'forks', // SwiftShader needs LD_LIBRARY_PATH when the process starts
    env: await driverEnvironment(import.meta.dirname, process.env),
    maxWorkers: 2,
    testTimeout: 30_000,
  },
});

const workerd = defineProject({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          TEST_MIGRATIONS: await readD1Migrations('coordinator/db/migrations'),
          LOOMOS_SECRET: 'a secret of the tests',
          LOOMOS_OWNER_TOKEN: 'owner-token-of-the-tests',
        },
      },
    }),
  ],
  test: {
    name: 'workerd',
    include: ['{coordinator,test/integration}/**/*.test.ts'],
    testTimeout: 30_000,
  },
});

export default defineConfig({ test: { projects: [unit, workerd] } });

// Two projects: `unit` runs the tests beside the code in Node, `workerd` runs those of the
// coordinator that need its bindings inside the Workers runtime.
// The GPU driver comes from the environment that scripts/run.mjs prepares.

import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig, defineProject } from 'vitest/config';
import { driverEnvironment } from './scripts/setup/driver.mjs';

/** Long enough for a machine five times slower than ours: these only end what hangs. */
const patience = { testTimeout: 180_000, hookTimeout: 180_000, teardownTimeout: 60_000 };

const unit = defineProject({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    name: 'unit',
    include: [
      '{shared,kernels,client,scripts}/**/*.test.{ts,tsx,mjs}',
      'coordinator/{cluster,scheduler,security,storage}/**/*.test.ts',
      'test/{bench,golden}/**/*.test.ts',
    ],
    pool: 'forks', // SwiftShader needs LD_LIBRARY_PATH when the process starts
    env: await driverEnvironment(import.meta.dirname, process.env),
    maxWorkers: 2,
    ...patience,
  },
});

/** The web as the coordinator under test sees it. */
function fakeWeb({ url }: { url: string }): Response {
  if (url === 'https://texts.test/whale.txt') return new Response('Call me Ishmael. '.repeat(1_000));
  if (url === 'https://texts.test/broken.txt') throw new Error('unreachable');
  return new Response('not here', { status: 404 });
}

const workerd = defineProject({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        compatibilityFlags: ['nodejs_compat'], // vitest's runner wants it
        outboundService: fakeWeb,
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
    include: ['coordinator/{db,http,ledger}/**/*.test.ts', 'test/integration/**/*.test.ts'],
    ...patience,
  },
});

export default defineConfig({ test: { projects: [unit, workerd] } });

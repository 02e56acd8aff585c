// The Worker as one script, built the way wrangler would: main and define come from wrangler.toml.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { V4WorkerOptions } from 'miniflare';
import { LoomError } from '../../../shared/errors.ts';
import { projectFolder } from './project.ts';

export interface WorkerBundle {
  worker: Omit<V4WorkerOptions, 'script' | 'scriptPath' | 'modules' | 'modulesRoot'>; // bindings, as miniflare takes them
  script: string; // one ES module
}

/** @param assets folder of the built page, or null to serve no page */
export async function bundleWorker(assets: string | null): Promise<WorkerBundle> {
  const { unstable_getMiniflareWorkerOptions } = await import('wrangler');
  const directory = assets ?? emptyFolder();
  const options = unstable_getMiniflareWorkerOptions(join(projectFolder, 'wrangler.toml'), undefined, {
    overrides: { assets: { directory } },
  });
  const { modulesRules: _, ...worker } = options.workerOptions;
  if (options.main === undefined)
    throw new LoomError('internal', 'wrangler.toml names no main', { where: 'wrangler.toml' });
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints: [options.main],
    define: options.define,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    sourcemap: 'inline',
    logLevel: 'error',
  });
  return { worker, script: result.outputFiles[0]!.text };
}

function emptyFolder(): string {
  const folder = join(projectFolder, '.loomos', 'no-page');
  mkdirSync(folder, { recursive: true });
  return folder;
}

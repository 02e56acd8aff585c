// The coordinator inside this Node process: miniflare runs the same Worker that `wrangler deploy` publishes, on workerd, with
// D1, Durable Objects and R2 on disk. wrangler.toml stays the only place where bindings are named.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorker } from './bundle.ts';
import { applyMigrations } from './migrations.ts';
import { buildPage } from './page.ts';
import { choosePort } from './port.ts';
import { claimFolder } from './claim.ts';
import { readSecrets } from './secrets.ts';
import { projectFolder } from './project.ts';
import { withoutSignalListeners } from './signals.ts';

export interface EmbedOptions {
  /** Folder for everything the coordinator remembers; made if missing. One process at a time. */
  data: string;
  /** Forgets what an earlier coordinator left in the folder. */
  isFresh?: boolean;
  /** TCP port; 0 takes a free one. A preferred port that is taken gives way to a free one unless `portIsFixed`: that is waited for. */
  port: number;
  portIsFixed?: boolean;
  /** Address to listen on: 127.0.0.1 (default), or 0.0.0.0 for other machines. */
  host?: string;
  /** Whether to serve the web page, building it when its source is newer; default true. */
  page?: boolean;
  /** Told in one line what takes time. */
  log?: (line: string) => void;
}

export interface Embedded {
  url: string;
  ownerToken: string;
  /** Stops workerd; everything acknowledged is on disk already. */
  close(): Promise<void>;
}

/**
 * Starts the coordinator and resolves when it answers.
 * @throws LoomError `conflict` when another process uses `data` or holds a fixed port.
 */
export async function startCoordinator(options: EmbedOptions): Promise<Embedded> {
  const { data, host = '127.0.0.1', log = () => {} } = options;
  const claim = claimFolder(data);
  try {
    if (options.isFresh === true) rmSync(join(data, storageName), { recursive: true, force: true });
    const assets = options.page === false ? null : await buildPage(log);
    const secrets = readSecrets(data);
    const port = await choosePort({ host, preferred: options.port, isFixed: options.portIsFixed ?? false, log });
    const miniflare = await withoutSignalListeners(() => startWorkerd({ data, host, port, assets, secrets }));
    const url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
    claim.announce(url);
    const close = async (): Promise<void> => {
      await miniflare.dispose();
      claim.release();
    };
    return { url, ownerToken: secrets.LOOMOS_OWNER_TOKEN, close };
  } catch (error) {
    claim.release();
    throw error;
  }
}

const storageName = 'storage';

interface WorkerdOptions {
  data: string;
  host: string;
  port: number;
  assets: string | null;
  secrets: Record<string, string>;
}

/** With its database up to date. */
async function startWorkerd({ data, host, port, assets, secrets }: WorkerdOptions) {
  quietTools(data);
  const { Miniflare, convertV4MiniflareOptions } = await import('miniflare');
  const { worker, script } = await bundleWorker(assets);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...worker,
      bindings: { ...(worker.bindings as Record<string, string>), ...secrets },
      modules: true,
      script,
      cf: false,
      host,
      port,
      resourcePersistencePath: join(data, storageName),
    }),
  );
  try {
    await miniflare.ready;
    await applyMigrations(await miniflare.getD1Database('DB'), join(projectFolder, 'coordinator/db/migrations'));
    return miniflare;
  } catch (error) {
    await miniflare.dispose().catch(() => undefined); // the first error counts
    throw error;
  }
}

/** Tells wrangler and miniflare to stay offline, and has workerd started by guard.sh so that it cannot outlive us. */
function quietTools(data: string): void {
  const guard = join(projectFolder, 'client/node/embed/guard.sh');
  Object.assign(process.env, {
    WRANGLER_SEND_METRICS: 'false',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    X_LOCAL_OBSERVABILITY: 'false', // five times faster SQL in Durable Objects
    ...(process.platform !== 'win32' && {
      MINIFLARE_WORKERD_PATH: guard,
      LOOMOS_WORKERD: join(projectFolder, 'node_modules/.bin/workerd'),
      LOOMOS_WORKERD_PID: join(data, 'workerd.pid'),
    }),
  });
}

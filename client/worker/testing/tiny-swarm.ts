// A real coordinator for all tests of a file, and workers that end with each of them.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { startCoordinator } from '../../node/embed/embed.ts';
import type { Embedded } from '../../node/embed/embed.ts';
import { LoomOSClient } from '../../sdk/client.ts';
import type { TinyWorker } from './tiny-job.ts';

export class TinySwarm {
  /** Whoever starts a worker puts it here. */
  readonly workers: TinyWorker[] = [];
  private started: Embedded | null = null;

  /** Called where tests are listed, not within one. */
  constructor() {
    beforeAll(async () => {
      this.started = await startCoordinator({ data: mkdtempSync(join(tmpdir(), 'loomos-')), port: 0, page: false });
    });
    afterEach(() => Promise.all(this.workers.splice(0).map((worker) => worker.stop())));
    afterAll(() => this.started?.close());
  }

  get coordinator(): Embedded {
    return this.started!;
  }

  get client(): LoomOSClient {
    return new LoomOSClient(this.coordinator);
  }
}

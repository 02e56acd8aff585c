// All in one: a coordinator of its own, headless workers, one job from its manifest to the files it leaves. What `run` and
// `demo` do.

import { join } from 'node:path';
import type { JobView } from '../../../shared/api/schemas.ts';
import { LoomError } from '../../../shared/errors.ts';
import { readHolder } from '../../node/embed/claim.ts';
import { startCoordinator } from '../../node/embed/embed.ts';
import type { Embedded } from '../../node/embed/embed.ts';
import { projectFolder } from '../../node/embed/project.ts';
import { LoomOSClient } from '../../sdk/client.ts';
import { untilAborted } from '../../timing/wait.ts';
import { Crew } from './crew.ts';
import { sayDriver } from './driver.ts';
import { exitCode } from '../exit-code.ts';
import { summaryOf } from '../job/report.ts';
import { makeFolder, writeResults } from '../job/results.ts';
import { prepare, submit } from '../job/submit.ts';
import type { Prepared } from '../job/submit.ts';
import { checkFreeFolder } from '../out-file.ts';
import type { Terminal } from '../terminal.ts';
import { watchJob } from '../job/watch.ts';

export interface RunOptions {
  manifest: string; // file
  changes: readonly string[]; // of its fields, as --set has them
  workers: number;
  out: string; // folder
  force: boolean; // replace another job's results there
  port: number;
  keep: boolean; // go on serving until interrupted
  terminal: Terminal;
  signal: AbortSignal;
}

/** Resolves with the exit code. @throws LoomError for wrong input, before anything is started. */
export async function runManifest(options: RunOptions): Promise<number> {
  const { terminal } = options;
  if (!options.force) checkFreeFolder(options.out, null);
  const prepared = await prepare(options.manifest, options.changes);
  sayDriver(terminal);
  const log = (line: string): void => terminal.say(line);
  const coordinator = await startCoordinator({ data: freeFolder(), isFresh: true, port: options.port, log });
  terminal.say(`coordinator and page: ${coordinator.url} (open it to join with a browser)`);
  try {
    return await runJob(coordinator, prepared, options);
  } finally {
    await coordinator.close();
  }
}

async function runJob(coordinator: Embedded, prepared: Prepared, options: RunOptions): Promise<number> {
  const { terminal, signal } = options;
  const client = new LoomOSClient(coordinator);
  const job = await submit(client, prepared);
  await makeFolder(options.out); // now, not when the model is trained
  terminal.say(
    `job ${job.id}: ${job.dataset.bytes.toLocaleString('en')} bytes of text, ${options.workers} workers here`,
  );
  const log = (line: string): void => terminal.say(line);
  const crew = new Crew({
    coordinator: coordinator.url,
    workers: options.workers,
    data: null,
    restart: false,
    log,
    signal,
  });
  try {
    const check = (view: JobView): void => (options.workers === 0 ? undefined : checkAttended(view, crew));
    const final = await watchJob(client, job.id, { terminal, signal, check });
    await finish(client, final, options);
    if (options.keep) {
      terminal.say(`still serving at ${coordinator.url}; Ctrl-C ends it`);
      await untilAborted(signal);
    }
    return final.state === 'completed' ? exitCode.ok : exitCode.failed;
  } catch (error) {
    await client.cancelJob(job.id).catch(() => undefined); // on the way out already; the first error counts
    throw error;
  } finally {
    await crew.stop();
  }
}

/** @throws LoomError `conflict` when every worker here has ended and no browser has joined. */
function checkAttended(job: JobView, crew: Crew): void {
  if (crew.size > 0 || job.workers.some((worker) => worker.present)) return;
  throw new LoomError('conflict', 'every worker has ended, so the job cannot go on; what they said is above');
}

async function finish(client: LoomOSClient, job: JobView, { out, terminal }: RunOptions): Promise<void> {
  const { report, sample, files } = await writeResults(client, job, out);
  const text = [
    ...(sample === null ? [] : ['', 'The model writes:', '', sample.trimEnd(), '']),
    summaryOf(report),
    `in ${out}: ${files.join(', ')}`,
  ];
  terminal.result(report, text.join('\n'));
  if (job.state !== 'completed') terminal.say(`the job is ${job.state}: ${job.reason}`);
}

/** A data folder that no live process uses: runs may overlap. */
function freeFolder(): string {
  for (let n = 1; ; n++) {
    const folder = join(projectFolder, '.loomos', n === 1 ? 'run' : `run-${n}`);
    if (readHolder(folder) === null) return folder;
  }
}

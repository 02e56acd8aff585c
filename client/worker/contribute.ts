// A contributor's life, the same in a page and in Node: register, ask for work, work on the job to its end, ask again. What
// goes wrong is one sentence in the snapshot; what can be tried again is tried again, with growing pauses.

import { parseManifest } from '../../shared/manifest/manifest.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import type { JobView } from '../../shared/api/schemas.ts';
import { toHex } from '../../shared/bytes.ts';
import { LoomError, describeError } from '../../shared/errors.ts';
import { PeerExchange } from '../exchange/peer-exchange.ts';
import type { CreatePeer } from '../exchange/links/peer-host.ts';
import { backoffMs } from '../timing/backoff.ts';
import { Bell } from '../timing/wait.ts';
import type { Trainer } from '../train/trainer.ts';
import { CoordinatorApi } from './coordinator-api.ts';
import { loadDataset } from './dataset.ts';
import type { WorkerSnapshot } from './events.ts';
import { forgetIdentity, identify } from './identity.ts';
import { JobSession } from './job/job-session.ts';
import type { JobEnd } from './job/job-session.ts';
import { Keepsake } from './state/keepsake.ts';
import { SnapshotFeed } from './snapshot-feed.ts';
import type { Store } from './store.ts';
import { Workshop } from './state/workshop.ts';

export interface ContributeOptions {
  coordinator: URL;
  kind: 'page' | 'node';
  name: string; // what other people see in the list of workers; may be empty
  adapter: string; // for people, before any job has opened a device
  backend: 'auto' | 'webgpu' | 'cpu';
  load: number; // fraction of the time the device may be busy, 0.05..1
  once?: boolean; // end after one job
  store: Store;
  createTrainer: () => Trainer;
  createPeer: CreatePeer;
  onSnapshot: (snapshot: WorkerSnapshot) => void;
  random?: () => number;
}

export interface Contributor {
  snapshot(): WorkerSnapshot;
  /** Stops training; the worker stays in its job and keeps up with it. */
  pause(): void;
  resume(): void;
  setLoad(load: number): void;
  /** Says goodbye to the room and ends; resolves within a few seconds. A part in hand goes back to the room. */
  stop(reason?: string): Promise<void>;
  /** As `stop`, but finishes the part in hand, and stores the state if nobody else has it, for `patienceMs` at most. */
  drain(reason?: string, patienceMs?: number): Promise<void>;
  /** Resolves with the last snapshot: stopped, failed, or with `once` finished. */
  readonly done: Promise<WorkerSnapshot>;
}

/** Shorter than what service managers leave a process after SIGTERM. */
export const drainMs = 25_000;

/** Errors that trying again does not cure. */
const hopeless: ReadonlySet<string> = new Set(['unsupported_version', 'forbidden', 'no_backend', 'conflict']);

/** Starts contributing. Never throws: see the snapshots. */
export function contribute(options: ContributeOptions): Contributor {
  const life = new Life(options);
  const done = life.live();
  return {
    snapshot: () => life.feed.now,
    pause: () => life.setPaused(true),
    resume: () => life.setPaused(false),
    setLoad: (load) => life.setLoad(load),
    stop: (reason = 'stopped by its user') => life.stop(reason),
    drain: (reason = 'drained', patienceMs = drainMs) => life.drain(reason, patienceMs),
    done,
  };
}

class Life {
  readonly feed: SnapshotFeed;
  private readonly options: Required<ContributeOptions>;
  private readonly api: CoordinatorApi;
  private readonly changed = new Bell();
  private readonly ended = new AbortController();
  private stopping: string | null = null;
  private draining: string | null = null;
  private paused = false;
  private load: number;
  private session: JobSession | null = null;
  private workshop: Workshop | null = null;
  private finished = false;

  constructor(options: ContributeOptions) {
    this.options = { once: false, random: Math.random, ...options };
    this.load = options.load;
    this.api = new CoordinatorApi(options.coordinator, this.ended.signal);
    this.feed = new SnapshotFeed(options.onSnapshot);
  }

  async live(): Promise<WorkerSnapshot> {
    for (let failures = 0; this.goesOn();) {
      try {
        await this.lookForWork();
        failures = 0;
      } catch (error) {
        if (this.stopping === null) await this.suffer(error, failures++); // else it is why it was broken off
      }
    }
    const why = this.stopping ?? this.draining;
    if (why !== null) this.feed.update({ phase: 'stopped', reason: why });
    this.changed.ring();
    return this.feed.close();
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.session?.setPaused(paused);
    if (this.session === null && paused) this.feed.update({ phase: 'paused', reason: 'Paused by you.' });
    this.changed.ring();
  }

  setLoad(load: number): void {
    this.load = load;
    this.workshop?.setLoad(load);
  }

  async stop(reason: string): Promise<void> {
    this.stopping ??= reason;
    this.session?.leave(reason);
    this.ended.abort();
    if (this.session === null) this.workshop?.close().catch(() => undefined); // it may take long to open
    this.changed.ring();
    while (this.feed.isOpen) await this.changed.wait(100);
  }

  async drain(reason: string, patienceMs: number): Promise<void> {
    this.draining = reason;
    this.session?.drain(reason);
    const giveUpAt = Date.now() + patienceMs;
    while (this.session !== null && Date.now() < giveUpAt) await this.changed.wait(50);
    await this.stop(reason);
  }

  private goesOn(): boolean {
    return this.stopping === null && this.draining === null && !this.finished && this.feed.now.phase !== 'failed';
  }

  private async lookForWork(): Promise<void> {
    const { options, api } = this;
    if (this.paused) return this.changed.wait(1000);
    const workerId = await identify(api, options.store, options);
    this.feed.update({ workerId });
    const work = await api.work();
    if (this.stopping !== null) return;
    if (work.type === 'job') return this.workOn(work.job, workerId);
    this.feed.update({ phase: 'idle', reason: work.reason, jobId: null });
    await this.changed.wait(work.retryMs);
  }

  private async workOn(job: JobView, workerId: string): Promise<void> {
    this.feed.begin(job.id);
    const keepsake = new Keepsake(this.options.store, job.id, this.options.kind === 'node' ? 2 : 0); // a page has only memory
    await keepsake.forgetOthers();
    try {
      const workshop = await this.prepare(job, keepsake);
      if (workshop === null) return;
      this.session = this.openSession(job, workerId, keepsake, workshop);
      await this.conclude(job, keepsake, await this.session.run());
    } finally {
      this.session = null;
      await this.workshop?.close().catch(() => undefined);
      this.workshop = null;
    }
  }

  /** Fetches the data and opens the trainer on it; null when told to stop meanwhile. */
  private async prepare(job: JobView, keepsake: Keepsake): Promise<Workshop | null> {
    const { createTrainer, backend, store } = this.options;
    const manifest = parseManifest(job.manifest);
    this.feed.update({ phase: 'preparing', reason: `Fetching the data of ${job.name}.` });
    const data = await loadDataset(this.api, store, job.dataset.sha256);
    const weights = await this.loadWeights(manifest);
    if (this.stopping !== null) return null;
    this.feed.update({ reason: 'Choosing a backend and building the plan.' });
    const options = { createTrainer, manifest, data, ...(weights && { weights }), backend, load: this.load, keepsake };
    const workshop = new Workshop(options);
    this.workshop = workshop;
    await workshop.open();
    this.feed.update({ backend: workshop.report });
    return this.stopping === null ? workshop : null;
  }

  /** The packed folder of the model that a job begins with; null where it begins with random weights. */
  private async loadWeights({ spec: { model } }: Manifest): Promise<Uint8Array | null> {
    if (model.kind !== 'pretrained') return null;
    this.feed.update({ reason: 'Fetching the model to begin with.' });
    return loadDataset(this.api, this.options.store, model.from.slice('dataset:'.length));
  }

  private openSession(job: JobView, workerId: string, keepsake: Keepsake, workshop: Workshop): JobSession {
    const { kind, coordinator, createPeer, random } = this.options;
    const { api } = this;
    const { resources, verification, rounds } = parseManifest(job.manifest).spec;
    return new JobSession({
      jobId: job.id,
      kind,
      api,
      workerId,
      workshop,
      keepsake,
      random,
      paused: this.paused,
      minWorkers: resources.workers.min,
      sealed: verification !== 'none',
      staleness: rounds.staleness,
      earliness: rounds.overlap ? 1 : 0,
      createExchange: (events, shelf) =>
        new PeerExchange({
          shelf,
          peerId: newPeerId(),
          jobId: job.id,
          coordinator,
          createPeer,
          events,
          random,
          relay: api.relay(job.id),
        }),
      report: (patch) => this.feed.update(patch),
    });
  }

  private async conclude(job: JobView, keepsake: Keepsake, end: JobEnd): Promise<void> {
    if (end.type === 'left') return;
    if (end.type === 'lost') throw end.error;
    await keepsake.forget();
    const why = end.reason === '' ? '' : `: ${end.reason}`;
    this.feed.update({ phase: 'finished', reason: `${job.name} ${end.state}${why}` });
    this.finished = this.options.once;
  }

  /** One clear sentence, and another try after a while unless that is hopeless. */
  private async suffer(cause: unknown, failures: number): Promise<void> {
    const reason = describeError(cause);
    if (cause instanceof LoomError && cause.code === 'unauthorized')
      await forgetIdentity(this.options.store).catch(() => undefined);
    const isHopeless = !(cause instanceof LoomError) || hopeless.has(cause.code);
    const trying = this.feed.now.phase === 'preparing' ? 'preparing' : 'connecting';
    this.feed.update({ phase: isHopeless ? 'failed' : trying, reason });
    if (!isHopeless) await this.changed.wait(backoffMs(failures, this.options.random));
  }
}

/** Not crypto.randomUUID: browsers have that only over https, and a phone may open the page by its address in the house. */
function newPeerId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

// The visitor's contribution: starts it, steers it, keeps the screen on meanwhile, and says goodbye when the tab goes.

import { LoomError, describeError } from '../../../shared/errors.ts';
import type { Contributor } from '../../worker/contribute.ts';
import type { WorkerPhase, WorkerSnapshot } from '../../worker/events.ts';
import { starting } from '../../worker/snapshot-feed.ts';
import type { Awake } from './awake.ts';
import type { contributeHere } from './contributor.ts';
import { isContributing, type Actions, type PageState } from '../state.ts';
import type { Store } from '../store.ts';

/** Scripts that were there when the page was opened are gone after a new version was published. */
function reloadIt(cause: unknown): never {
  throw new LoomError('unavailable', 'a part of this page does not load any more; reload the page', { cause });
}

const isIdle: Partial<Record<WorkerPhase, true>> = { paused: true, finished: true, stopped: true, failed: true };

export interface ContributionOptions {
  store: Store<PageState>;
  awake: Awake;
  coordinator: URL;
  backend: 'auto' | 'webgpu' | 'cpu';
  load: () => Promise<{ contributeHere: typeof contributeHere }>;
  /** The contribution's job changed: there is something else to show. */
  onJob: () => void;
}

export type Contribution = Omit<Actions, 'verifyLedger' | 'write' | 'stopWriting'> & { leave(): void };

export function createContribution(options: ContributionOptions): Contribution {
  const { store, awake } = options;
  let contributor: Contributor | null = null;
  let starts = 0; // of which only the last one may begin

  const show = (snapshot: WorkerSnapshot): void => {
    const before = store.get().contribution;
    store.set({ contribution: snapshot });
    if (before?.phase !== snapshot.phase) (isIdle[snapshot.phase] ? awake.release : awake.hold)();
    if ((before?.jobId ?? null) !== snapshot.jobId) options.onJob();
  };
  const start = async (): Promise<void> => {
    show(starting);
    const number = ++starts;
    try {
      const { contributeHere } = await options.load().catch(reloadIt);
      const { gpu, load } = store.get();
      if (number !== starts || !isContributing(store.get())) return; // stopped while it was loading
      const { coordinator, backend } = options;
      contributor = contributeHere({ coordinator, backend, load, adapter: gpu.adapter || 'CPU', onSnapshot: show });
    } catch (error) {
      if (number === starts) show({ ...starting, phase: 'failed', reason: describeError(error) });
    }
  };
  const end = (reason: string): void => {
    if (contributor === null) return show({ ...starting, phase: 'stopped', reason });
    void contributor.stop(reason);
    contributor = null;
  };
  return {
    contribute: () => void (isContributing(store.get()) || start()),
    pause: () => contributor?.pause(),
    resume: () => contributor?.resume(),
    stop: () => end('stopped by its user'),
    setLoad(load) {
      store.set({ load });
      contributor?.setLoad(load);
    },
    leave: () => void contributor?.stop('the tab was closed'),
  };
}

// Keeps the page's picture of the coordinator up to date: jobs, the shown job, its log, the ledger's root. Asks often while
// something moves and is looked at, seldom otherwise; a line in the job's log is a reason to ask at once.

import type { LogLine } from '../../../shared/api/schemas.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { chooseJob, jobOfAddress } from './choose.ts';
import { createLogFeed } from './log-feed.ts';
import { startLoop, type Loop, type Timers } from './loop.ts';
import { keepArrived, refreshShown, withBaselines } from './shown.ts';
import { isContributing, type PageState, type ShownJob } from '../state.ts';
import type { Store } from '../store.ts';
import { isLive } from '../words.ts';

const shownLines = 200;
/** How often the list of jobs and the ledger's root are read while a job runs: neither is what people look at then. */
const overviewMs = 8000;

export interface Surroundings {
  store: Store<PageState>;
  client: LoomOSClient;
  timers: Timers;
  fragment(): string; // of the page's address
  isHidden(): boolean;
}

/** Starts watching, for as long as the page lives. */
export function watch(surroundings: Surroundings): Loop {
  const { store, client, timers } = surroundings;
  const log = createLogFeed(client, (id, line) => addLine(store, id, line) && loop.nudge());
  let overviewAt = -Infinity;

  const refresh = async () => {
    try {
      const isOverviewDue = timers.now() - overviewAt >= overviewMs || !store.get().jobs.some(isLive);
      if (isOverviewDue) {
        store.set(await overview(client));
        overviewAt = timers.now();
      }
      const before = store.get().shown;
      const shown = await refreshChosen(surroundings, before);
      if (shown?.job.state !== before?.job.state) overviewAt = -Infinity;
      log.follow(shown?.job.id ?? null);
      store.set({ link: 'online', now: timers.now() });
    } catch {
      store.set({ link: 'offline', now: timers.now() });
    }
  };
  const loop = startLoop(refresh, () => pauseMs(store.get(), surroundings.isHidden()), timers);
  return loop;
}

function pauseMs(state: PageState, isHidden: boolean): number {
  if (isHidden) return isContributing(state) ? 10_000 : 30_000;
  return state.jobs.some(isLive) && state.link === 'online' ? 2000 : 5000;
}

async function overview(client: LoomOSClient): Promise<Pick<PageState, 'jobs' | 'ledger'>> {
  const [jobs, ledger] = await Promise.all([client.listJobs({ limit: 20 }), client.ledgerRoot()]);
  return { jobs, ledger };
}

async function refreshChosen(
  { store, client, fragment }: Surroundings,
  before: ShownJob | null,
): Promise<ShownJob | null> {
  const { jobs, contribution } = store.get();
  const chosen = chooseJob(jobs, jobOfAddress(fragment()), contribution?.jobId ?? null);
  if (chosen === null) {
    store.set({ shown: null });
    return null;
  }
  const shown = await refreshShown(before, chosen.id, client);
  const kept = keepArrived(shown, store.get().shown);
  store.set({ shown: kept, jobs: jobs.map((job) => (job.id === chosen.id ? shown.job : job)) });
  if (before?.job.id !== chosen.id) void addBaselines(store, kept, client);
  return kept;
}

/** The text may be large: it arrives when it arrives, if the job is still the shown one. */
async function addBaselines(store: Store<PageState>, shown: ShownJob, client: LoomOSClient): Promise<void> {
  const { baselines } = await withBaselines(shown, client);
  const current = store.get().shown;
  if (current?.job.id === shown.job.id) store.set({ shown: { ...current, baselines } });
}

/** False for a line that the page has, or of a job it no longer shows. */
function addLine(store: Store<PageState>, id: string, line: LogLine): boolean {
  const { shown } = store.get();
  if (shown?.job.id !== id || (shown.log.at(-1)?.seq ?? -1) >= line.seq) return false;
  store.set({ shown: { ...shown, log: [...shown.log, line].slice(-shownLines) } });
  return true;
}

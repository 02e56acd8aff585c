// Keeps the page's picture of the coordinator up to date: jobs, the shown job, its log, the ledger's root. Asks often while
// something moves and is looked at, seldom otherwise; a line in the job's log is a reason to ask at once.

import { logLine, type LogLine } from '../../shared/api/schemas.ts';
import { chooseJob, jobOfAddress } from './choose.ts';
import { logAddress, type Coordinator } from './coordinator.ts';
import { startLoop, type Loop, type Timers } from './loop.ts';
import { refreshShown, withBaselines } from './shown.ts';
import { isContributing, type PageState, type ShownJob } from './state.ts';
import type { Store } from './store.ts';
import { isLive } from './words.ts';

const shownLines = 200;
/** How often the list of jobs and the ledger's root are read while a job runs: neither is what people look at then. */
const overviewMs = 8000;

export interface Surroundings {
  store: Store<PageState>;
  coordinator: Coordinator;
  timers: Timers;
  fragment(): string; // of the page's address
  isHidden(): boolean;
}

/** Starts watching, for as long as the page lives. */
export function watch(surroundings: Surroundings): Loop {
  const { store, coordinator, timers } = surroundings;
  const log = createLogFeed(store, () => loop.nudge());
  let overviewAt = -Infinity;

  const refresh = async () => {
    try {
      const isOverviewDue = timers.now() - overviewAt >= overviewMs || !store.get().jobs.some(isLive);
      if (isOverviewDue) {
        store.set(await overview(coordinator));
        overviewAt = timers.now();
      }
      const before = store.get().shown;
      const shown = await refreshChosen(surroundings, before);
      if (shown?.job.state !== before?.job.state) overviewAt = -Infinity;
      log.follow(shown);
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

async function overview(coordinator: Coordinator): Promise<Pick<PageState, 'jobs' | 'ledger'>> {
  const [jobs, ledger] = await Promise.all([coordinator.jobs(), coordinator.ledgerRoot()]);
  return { jobs, ledger };
}

async function refreshChosen(
  { store, coordinator, fragment }: Surroundings,
  before: ShownJob | null,
): Promise<ShownJob | null> {
  const { jobs, contribution } = store.get();
  const chosen = chooseJob(jobs, jobOfAddress(fragment()), contribution?.jobId ?? null);
  if (chosen === null) {
    store.set({ shown: null });
    return null;
  }
  const shown = await refreshShown(before, chosen.id, coordinator);
  const log = store.get().shown?.log ?? []; // lines came in meanwhile
  const kept = before?.job.id === chosen.id ? { ...shown, log } : shown;
  store.set({ shown: kept, jobs: jobs.map((job) => (job.id === chosen.id ? shown.job : job)) });
  if (before?.job.id !== chosen.id) void addBaselines(store, kept, coordinator);
  return kept;
}

/** The text may be large: it arrives when it arrives, if the job is still the shown one. */
async function addBaselines(store: Store<PageState>, shown: ShownJob, coordinator: Coordinator): Promise<void> {
  const { baselines } = await withBaselines(shown, coordinator);
  const current = store.get().shown;
  if (current?.job.id === shown.job.id) store.set({ shown: { ...current, baselines } });
}

/** The log of the shown job, streamed while the job lives and read from its start: one feed at a time. */
function createLogFeed(store: Store<PageState>, onLine: () => void) {
  let followed: string | null = null;
  let source: EventSource | null = null;

  const add = (line: LogLine) => {
    const { shown } = store.get();
    if (shown === null || shown.job.id !== followed || (shown.log.at(-1)?.seq ?? -1) >= line.seq) return;
    store.set({ shown: { ...shown, log: [...shown.log, line].slice(-shownLines) } });
    onLine();
  };
  return {
    follow(shown: ShownJob | null) {
      const hasEnded = shown !== null && !isLive(shown.job);
      if (shown?.job.id === followed) {
        if (hasEnded && shown.log.length > 0) source?.close(); // or the browser would ask again for ever
        return;
      }
      source?.close();
      followed = shown?.job.id ?? null;
      if (followed === null) return;
      source = new EventSource(logAddress(followed));
      source.addEventListener('message', (event: MessageEvent<string>) => add(logLine.parse(JSON.parse(event.data))));
    },
  };
}

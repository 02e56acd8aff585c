// Brings what the page knows of the shown job up to date, asking only for what may have changed.

import type { LedgerEvent } from '../../shared/ledger/events.ts';
import { baselinesOf } from './baselines.ts';
import { weave } from './cloth.ts';
import type { Coordinator } from './coordinator.ts';
import type { ShownJob } from './state.ts';

const pageEvents = 500;

/** @param before what was shown until now, of this job or another */
export async function refreshShown(before: ShownJob | null, id: string, coordinator: Coordinator): Promise<ShownJob> {
  const job = await coordinator.job(id);
  const known = before?.job.id === id ? before : null;
  const hasMoved = known === null || known.job.round !== job.round || known.job.state !== job.state;
  if (!hasMoved) return { ...known, job };
  const [losses, events] = await Promise.all([coordinator.losses(id), newEvents(known?.seq ?? -1, id, coordinator)]);
  return {
    job,
    losses,
    rounds: weave(known?.rounds ?? [], events),
    seq: events.at(-1)?.seq ?? known?.seq ?? -1,
    baselines: known?.baselines ?? job.evaluation,
    log: known?.log ?? [],
    artifacts: [],
    sample: null,
    ...(job.state === 'completed' && (await resultOf(id, coordinator))),
  };
}

async function newEvents(after: number, subject: string, coordinator: Coordinator): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  for (;;) {
    const page = await coordinator.events({ after: events.at(-1)?.seq ?? after, limit: pageEvents, subject });
    events.push(...page);
    if (page.length < pageEvents) return events;
  }
}

async function resultOf(id: string, coordinator: Coordinator): Promise<Pick<ShownJob, 'artifacts' | 'sample'>> {
  const artifacts = await coordinator.artifacts(id);
  const hasSample = artifacts.some((file) => file.name === 'sample.txt');
  return { artifacts, sample: hasSample ? await coordinator.artifactText(id, 'sample.txt') : null };
}

/** The shown job with its baselines, for which the text itself may have to be fetched. Unchanged when that fails. */
export async function withBaselines(shown: ShownJob, coordinator: Coordinator): Promise<ShownJob> {
  if (shown.baselines !== null) return shown;
  const baselines = await baselinesOf(shown.job, coordinator).catch(() => null);
  return { ...shown, baselines };
}

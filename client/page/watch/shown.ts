// Brings what the page knows of the shown job up to date, asking only for what may have changed.

import type { JobView } from '../../../shared/api/schemas.ts';
import type { LedgerEvent } from '../../../shared/ledger/events.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { baselinesOf } from './baselines.ts';
import { weave } from './cloth.ts';
import type { ShownJob } from '../state.ts';
import { manifestOf } from '../words.ts';

const pageEvents = 500;

/** @param before what was shown until now, of this job or another */
export async function refreshShown(before: ShownJob | null, id: string, client: LoomOSClient): Promise<ShownJob> {
  const job = await client.getJob(id);
  const known = before?.job.id === id ? before : null;
  const hasMoved = known === null || known.job.round !== job.round || known.job.state !== job.state;
  if (!hasMoved) return { ...known, job };
  const [{ losses }, events] = await Promise.all([client.jobMetrics(id), newEvents(known?.seq ?? -1, id, client)]);
  return {
    job,
    source: known?.source ?? (await sourceOf(job, client)),
    losses,
    rounds: weave(known?.rounds ?? [], events),
    seq: events.at(-1)?.seq ?? known?.seq ?? -1,
    baselines: known?.baselines ?? job.evaluation,
    log: known?.log ?? [],
    artifacts: [],
    sample: null,
    ...(job.state === 'completed' && (await resultOf(id, client))),
  };
}

/** What a refresh brought, with the log lines and baselines that arrived by themselves while it was under way. */
export function keepArrived(refreshed: ShownJob, current: ShownJob | null): ShownJob {
  if (current?.job.id !== refreshed.job.id) return refreshed;
  return { ...refreshed, log: current.log, baselines: current.baselines ?? refreshed.baselines };
}

/** Jobs name their text by its hash; the ledger knows where it came from. */
async function sourceOf(job: JobView, client: LoomOSClient): Promise<string> {
  const [stored] = await client.ledgerEvents({ subject: job.dataset.sha256, type: 'dataset.stored', limit: 1 });
  const source = stored?.data['source'];
  return typeof source === 'string' ? source : manifestOf(job).spec.data.source;
}

async function newEvents(after: number, subject: string, client: LoomOSClient): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  for (;;) {
    const page = await client.ledgerEvents({ after: events.at(-1)?.seq ?? after, limit: pageEvents, subject });
    events.push(...(page as unknown as LedgerEvent[])); // `weave` looks at the types it knows
    if (page.length < pageEvents) return events;
  }
}

async function resultOf(id: string, client: LoomOSClient): Promise<Pick<ShownJob, 'artifacts' | 'sample'>> {
  const artifacts = await client.listArtifacts(id);
  const hasSample = artifacts.some((file) => file.name === 'sample.txt');
  const sample = hasSample ? new TextDecoder().decode(await client.downloadArtifact(id, 'sample.txt')) : null;
  return { artifacts, sample };
}

/** The shown job with its baselines, for which the text itself may have to be fetched. Unchanged when that fails. */
export async function withBaselines(shown: ShownJob, client: LoomOSClient): Promise<ShownJob> {
  if (shown.baselines !== null) return shown;
  const baselines = await baselinesOf(shown.job, client).catch(() => null);
  return { ...shown, baselines };
}

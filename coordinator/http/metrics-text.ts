// The cluster's numbers as Prometheus reads them: text exposition format 0.0.4.

import type { ClusterStatus } from '../../shared/api/schemas.ts';

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

/** All are gauges: a job that has ended stays counted under its state, and the ledger's size is what it is now. */
export function metricsText({ version, jobs, workers, tokensPerSecond, ledger }: ClusterStatus): string {
  return [
    gauge('loomos_info', 'version of the coordinator', { [`version="${version}"`]: 1 }),
    gauge('loomos_jobs', 'jobs by state', labelled('state', jobs)),
    gauge('loomos_workers_present', 'workers that are here', { '': workers.present }),
    gauge('loomos_workers_training', 'of these, workers that train', { '': workers.training }),
    gauge('loomos_tokens_per_second', 'tokens that all workers train in a second', { '': tokensPerSecond }),
    gauge('loomos_ledger_events', 'events in the ledger', { '': ledger.events }),
  ].join('');
}

function labelled(label: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${label}="${name}"`, value]));
}

/** @param samples values by their labels, as the format writes them between braces */
function gauge(name: string, help: string, samples: Readonly<Record<string, number>>): string {
  const lines = Object.entries(samples).map(
    ([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}`,
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines, ''].join('\n');
}

// The jobs this coordinator has seen lately, each a link that puts it in the middle of the page.

import type { JobView } from '../../../shared/api/schemas.ts';
import { formatAgo, formatCount, formatLoss } from '../format.ts';
import type { PageState } from '../state.ts';
import { jobStateText } from '../words.ts';

export function RecentJobs({ state }: { state: PageState }) {
  return (
    <section class="recent" aria-labelledby="recent-title">
      <h2 id="recent-title">Recent jobs</h2>
      {state.jobs.length === 0 ? (
        <p>None yet.</p>
      ) : (
        <ul>
          {state.jobs.slice(0, 10).map((job) => (
            <Entry key={job.id} job={job} isShown={job.id === state.shown?.job.id} now={state.now} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Entry({ job, isShown, now }: { job: JobView; isShown: boolean; now: number }) {
  const loss = job.evaluation?.loss ?? job.validationLoss;
  return (
    <li>
      <a href={`#${job.id}`} aria-current={isShown ? 'true' : undefined}>
        {job.name}
      </a>
      <span class="recent-loss">{loss === null ? '' : `loss ${formatLoss(loss)}`}</span>
      <span class="recent-about">
        {jobStateText(job)} · {formatCount(job.tokens)} tokens ·{' '}
        {formatAgo(now - (job.endedAt ?? job.startedAt ?? job.createdAt))}
      </span>
    </li>
  );
}

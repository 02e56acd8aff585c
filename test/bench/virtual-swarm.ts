// A job without network: virtual workers take turns in this process, with the job's own algorithm, codecs, error feedback and
// outer step on the CPU backend. One agreed state serves all, as it would be the same bits everywhere (a test compares it with
// that of real trainers). Work and learning rate are shared out as the room would to equally fast workers.

import { languageModel } from '../../client/train/lm.ts';
import type { Algorithm, LocalRun } from '../../client/train/algorithm.ts';
import { Pace, realTiming } from '../../client/train/pace.ts';
import type { Artifact } from '../../client/train/trainer.ts';
import { codecFor } from '../../client/exchange/codec.ts';
import type { Codec } from '../../client/exchange/codec.ts';
import { ErrorFeedback } from '../../client/exchange/compression/error-feedback.ts';
import { WorkerMomentum } from '../../client/exchange/worker-momentum.ts';
import { openCpu } from '../../kernels/device/cpu.ts';
import type { Difference } from '../../shared/aggregation/rule.ts';
import { aggregationSettings } from '../../shared/manifest/aggregation.ts';
import { compressionAt, errorFeedbackOf } from '../../shared/manifest/compression.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import {
  innerStepsAt,
  learningRateAt,
  shareSteps,
  slotSeed,
  tokensPerStep,
} from '../../shared/rounds/pace/schedule.ts';
import { outerStep } from '../../shared/rounds/state.ts';
import type { AgreedState } from '../../shared/rounds/state.ts';

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
  readonly state: AgreedState;
  readonly evaluation: Artifact['evaluation'];
}

/** What one worker keeps from round to round. */
interface Worker {
  readonly run: LocalRun;
  readonly momentum: WorkerMomentum;
  readonly feedback: ErrorFeedback;
}

interface Sent extends Difference {
  readonly payload: Uint8Array;
}

/** Trains until maxTokens. */
export async function runVirtualJob(job: VirtualJob): Promise<VirtualResult> {
  const tokensAtEnd = job.manifest.spec.runtime.maxTokens;
  if (tokensAtEnd === undefined) throw new Error('the manifest needs spec.runtime.maxTokens');
  const algorithm = languageModel(job);
  const workers = await Promise.all(Array.from({ length: job.workers }, () => openWorker(job.manifest, algorithm)));
  const first = workers[0]!.run;
  const pace = newPace();
  const total = { tokens: 0, payloadBytes: 0 };
  let state: AgreedState = { round: 0, parameters: algorithm.initialParameters(), momentum: null };
  while (total.tokens < tokensAtEnd) {
    const { round, parameters } = state;
    if (round % (job.evaluateEvery || Infinity) === 0) {
      job.onValidation?.(round, (await first.evaluate(parameters, pace)).loss);
    }
    const gone = workers.map((_, index) => job.vanishes?.(round, index) ?? false);
    const staying = workers.filter((_, index) => !gone[index]);
    const sent = await trainRound(job.manifest, algorithm, staying, state, total.tokens / tokensAtEnd);
    for (const { feedback, momentum } of workers) {
      momentum.settle();
      feedback.settle(sent.map(({ payload }) => payload));
    }
    state = nextState(job.manifest, algorithm, state, sent);
    for (const [index, isGone] of gone.entries())
      if (isGone) workers[index] = await openWorker(job.manifest, algorithm);
    for (const { tokens, payload } of sent) {
      total.tokens += tokens;
      total.payloadBytes += payload.length;
    }
  }
  const { evaluation } = await first.artifact(state.parameters, pace);
  const parameters = algorithm.plan.parameters.reduce((sum, { elements }) => sum + elements, 0);
  return { ...total, rounds: state.round, parameters, state, evaluation };
}

async function openWorker(manifest: Manifest, algorithm: Algorithm): Promise<Worker> {
  const { compression, aggregation } = manifest.spec.rounds;
  return {
    run: await algorithm.open(openCpu()),
    momentum: new WorkerMomentum(aggregationSettings(aggregation).workerMomentum),
    feedback: new ErrorFeedback(errorFeedbackOf(compression)),
  };
}

/** @param progress of the job, 0 to 1 */
async function trainRound(
  manifest: Manifest,
  algorithm: Algorithm,
  workers: readonly Worker[],
  state: AgreedState,
  progress: number,
): Promise<Sent[]> {
  const { optimizer, rounds, runtime, seed } = manifest.spec;
  const perStep = tokensPerStep(manifest);
  const { round } = state;
  const codec = codecFor(compressionAt(rounds.compression, round), algorithm.plan.parameters);
  const equal = workers.map(() => 1);
  const budget = Math.ceil(((1 - progress) * runtime.maxTokens!) / perStep);
  const shares = shareSteps(equal, innerStepsAt(rounds, round), budget).map((steps) => Math.max(1, steps));
  const part = (shares.reduce((a, b) => a + b) * perStep) / runtime.maxTokens!;
  const learningRate = learningRateAt(optimizer, Math.min(1, progress + part / 2));
  const sent: Sent[] = [];
  for (const [slot, worker] of workers.entries()) {
    const work = { round, slot, seed: slotSeed(seed, round, slot), steps: shares[slot]!, learningRate };
    const assignment = { ...work, evaluate: false, deadlineMs: 0 };
    const { parameters, tokens } = await worker.run.train(state.parameters, assignment, newPace(), () => {});
    const difference = parameters.map((value, i) => value - state.parameters[i]!);
    sent.push({ ...encode(worker, codec, difference), tokens });
  }
  return sent;
}

/** What the worker sends of a difference, and what its peers make of that. */
function encode({ momentum, feedback }: Worker, codec: Codec, difference: Float32Array): Omit<Sent, 'tokens'> {
  const wanted = feedback.correct(momentum.smooth(difference));
  const payload = codec.encode(wanted);
  const said = codec.decode(payload, wanted.length);
  feedback.sent(payload, wanted, said);
  return { payload, difference: said };
}

function nextState(
  { spec: { rounds } }: Manifest,
  { plan }: Algorithm,
  state: AgreedState,
  sent: readonly Sent[],
): AgreedState {
  return outerStep(state, sent, {
    learningRate: rounds.outerLearningRate,
    momentum: rounds.outerMomentum,
    aggregation: rounds.aggregation,
    ranges: plan.parameters,
  });
}

function newPace(): Pace {
  return new Pace(realTiming, () => 1, new AbortController().signal);
}

// A swarm with liars in one process: honest workers really train, with the job's own algorithm, codec, error feedback and
// outer step; liars send what their attack says. One agreed state serves all, as it would be the same bits everywhere.

import type { Algorithm, LocalRun } from '../../client/train/algorithm.ts';
import { languageModel } from '../../client/train/lm.ts';
import { Pace, realTiming } from '../../client/train/pace.ts';
import { codecFor } from '../../client/exchange/codec.ts';
import type { Codec } from '../../client/exchange/codec.ts';
import { ErrorFeedback } from '../../client/exchange/compression/error-feedback.ts';
import { WorkerMomentum } from '../../client/exchange/worker-momentum.ts';
import { openCpu } from '../../kernels/device/cpu.ts';
import type { Device } from '../../kernels/device/device.ts';
import type { Difference } from '../../shared/aggregation/rule.ts';
import { LoomError } from '../../shared/errors.ts';
import { aggregationSettings } from '../../shared/manifest/aggregation.ts';
import { compressionAt, errorFeedbackOf } from '../../shared/manifest/compression.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { createRandom } from '../../shared/random.ts';
import { judgeRound } from '../../shared/rounds/loss-gate.ts';
import type { Judgement } from '../../shared/rounds/loss-gate.ts';
import { learningRateAt, slotSeed } from '../../shared/rounds/schedule.ts';
import { outerStep } from '../../shared/rounds/state.ts';
import type { AgreedState } from '../../shared/rounds/state.ts';
import type { Attack } from './attackers.ts';

export interface AttackedJob {
  readonly manifest: Manifest;
  readonly data: Uint8Array;
  readonly rounds: number;
  readonly honest: number;
  readonly liars: number;
  readonly attack: Attack | null; // null when there are no liars
  readonly gate: boolean; // the loss gate before the aggregation rule
}

interface Worker {
  readonly run: LocalRun;
  readonly momentum: WorkerMomentum;
  readonly feedback: ErrorFeedback;
}

interface Sent {
  readonly workerId: string;
  readonly payload: Uint8Array;
  readonly tokens: number;
}

interface Decoded extends Difference {
  readonly workerId: string;
}

const pace = new Pace({ ...realTiming, sleep: async () => {} }, () => 1, new AbortController().signal);

/** @returns the loss on held-out text after the last round, or infinity if the agreed state stopped being a model */
export async function runAttackedJob(job: AttackedJob): Promise<number> {
  const swarm = new AttackedSwarm(job, languageModel(job));
  try {
    return await swarm.train();
  } catch (error) {
    if (error instanceof LoomError && /diverged|not finite/.test(error.message)) return Infinity;
    throw error;
  }
}

class AttackedSwarm {
  readonly #job: AttackedJob;
  readonly #algorithm: Algorithm;
  readonly #changes: Float32Array[] = [];
  readonly #firstSent: Float32Array[] = [];
  #state: AgreedState;

  constructor(job: AttackedJob, algorithm: Algorithm) {
    this.#job = job;
    this.#algorithm = algorithm;
    this.#state = { round: 0, parameters: algorithm.initialParameters(), momentum: null };
  }

  async train(): Promise<number> {
    const { rounds, honest, liars, attack } = this.#job;
    const workers = await this.#open(honest, openCpu());
    const wrong = attack?.trains === 'on wrong labels' ? wrongLabels(openCpu()) : openCpu();
    const apprentices = await this.#open(attack === null || attack.trains === 'not' ? 0 : liars, wrong);
    for (let round = 0; round < rounds; round++) await this.#round(workers, apprentices);
    const { loss } = await workers[0]!.run.evaluate(this.#state.parameters, pace);
    return Number.isFinite(loss) ? loss : Infinity;
  }

  async #open(count: number, device: Device): Promise<Worker[]> {
    const { compression, aggregation } = this.#job.manifest.spec.rounds;
    return Promise.all(
      Array.from({ length: count }, async () => ({
        run: await this.#algorithm.open(device),
        momentum: new WorkerMomentum(aggregationSettings(aggregation).workerMomentum),
        feedback: new ErrorFeedback(errorFeedbackOf(compression)),
      })),
    );
  }

  async #round(workers: readonly Worker[], apprentices: readonly Worker[]): Promise<void> {
    const codec = codecFor(compressionAt(this.#job.manifest.spec.rounds.compression, this.#state.round));
    const sent: Sent[] = [];
    for (const [slot, worker] of workers.entries()) sent.push(await this.#contribute(worker, slot, codec));
    const honest = sent.map(({ payload }) => codec.decode(payload, this.#state.parameters.length));
    const lies: Sent[] = [];
    for (let place = 0; place < this.#job.liars; place++) {
      const own = await this.#trained(apprentices[place], workers.length + place);
      const payload = this.#lie(place, own, honest, codec);
      lies.push({ workerId: `liar ${place}`, payload, tokens: sent[0]!.tokens });
    }
    this.#firstSent.push(honest[0]!);
    const decoded = [...lies, ...sent].flatMap((one) => decodedOrNothing(one, codec, this.#state.parameters.length));
    this.#apply(this.#job.gate ? await this.#useful(decoded, workers) : decoded);
    for (const { momentum, feedback } of workers) {
      momentum.settle();
      feedback.settle(sent.map(({ payload }) => payload));
    }
  }

  async #contribute({ run, momentum, feedback }: Worker, slot: number, codec: Codec): Promise<Sent> {
    const { difference, tokens } = await this.#localSteps(run, slot);
    const wanted = feedback.correct(momentum.smooth(difference));
    const payload = codec.encode(wanted);
    feedback.sent(payload, wanted, codec.decode(payload, wanted.length));
    return { workerId: `honest ${slot}`, payload, tokens };
  }

  #lie(place: number, own: Float32Array, honest: readonly Float32Array[], codec: Codec): Uint8Array {
    const { attack, liars, manifest } = this.#job;
    const random = createRandom(manifest.spec.seed, this.#state.round, place);
    const scene = { own, honest, liars, place, changes: this.#changes, sent: this.#firstSent, random };
    const payload = codec.encode(attack!.lie(scene));
    attack!.forge?.(payload);
    return payload;
  }

  async #trained(worker: Worker | undefined, slot: number): Promise<Float32Array> {
    if (worker === undefined) return new Float32Array(this.#state.parameters.length);
    return (await this.#localSteps(worker.run, slot)).difference;
  }

  async #localSteps(run: LocalRun, slot: number): Promise<Difference> {
    const { optimizer, rounds, seed } = this.#job.manifest.spec;
    const { round, parameters: start } = this.#state;
    const learningRate = learningRateAt(optimizer, (round + 0.5) / this.#job.rounds);
    const work = { round, slot, seed: slotSeed(seed, round, slot), steps: rounds.innerSteps, learningRate };
    const assignment = { ...work, evaluate: false, deadlineMs: 0 };
    const { parameters, tokens } = await run.train(start, assignment, pace, () => {});
    return { difference: parameters.map((value, i) => value - start[i]!), tokens };
  }

  /** What passes the loss gate, with the first two workers as judges, so that nobody judges itself. */
  async #useful(decoded: readonly Decoded[], workers: readonly Worker[]): Promise<Decoded[]> {
    const { outerLearningRate } = this.#job.manifest.spec.rounds;
    const start = this.#state.parameters;
    const { loss: before } = await workers[0]!.run.evaluate(start, pace);
    const judgements: Judgement[] = [];
    for (const { workerId, difference } of decoded) {
      const slot = workerId === 'honest 0' ? 1 : 0;
      const { run } = workers[slot]!;
      const after = start.map((value, i) => value + outerLearningRate * difference[i]!);
      const losses = { before, after: (await run.evaluate(after, pace)).loss };
      judgements.push({ judge: `honest ${slot}`, workerId, ...losses });
    }
    const passed = judgeRound(decoded, judgements).filter(({ counts }) => counts);
    return decoded.filter(({ workerId }) => passed.some((verdict) => verdict.workerId === workerId));
  }

  #apply(decoded: readonly Decoded[]): void {
    const { outerLearningRate: learningRate, outerMomentum: momentum, aggregation } = this.#job.manifest.spec.rounds;
    const before = this.#state.parameters;
    const ranges = this.#algorithm.plan.parameters;
    this.#state = outerStep(this.#state, decoded, { learningRate, momentum, aggregation, ranges });
    this.#changes.push(this.#state.parameters.map((value, i) => value - before[i]!));
  }
}

/** As every worker does: a payload that does not decode adds nothing. */
function decodedOrNothing({ payload, ...sender }: Sent, codec: Codec, elements: number): Decoded[] {
  try {
    return [{ ...sender, difference: codec.decode(payload, elements) }];
  } catch (error) {
    if (error instanceof LoomError && error.code === 'invalid_frame') return [];
    throw error;
  }
}

/** A device whose programs learn to predict byte 255 - b where b follows. */
function wrongLabels(device: Device): Device {
  return {
    ...device,
    async compile(plan, options) {
      const program = await device.compile(plan, options);
      const write = program.write.bind(program);
      program.write = (tensor, data) => write(tensor, tensor === 'targets' ? data.map((byte) => 255 - byte) : data);
      return program;
    },
  };
}

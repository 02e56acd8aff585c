// A swarm with liars in one process: honest workers really train, with the job's own algorithm, codec and outer step; liars send
// what their attack says. One agreed state serves all, as it would be the same bits everywhere. Where the manifest asks for
// verification, shared/verification decides as it does in a job's room, and liars also lie about the work of others.

import type { Algorithm, LocalRun } from '../../../client/train/algorithm.ts';
import { languageModel } from '../../../client/train/lm/lm.ts';
import { Pace, realTiming } from '../../../client/train/pace.ts';
import { codecFor } from '../../../client/exchange/codec/codec.ts';
import type { Codec } from '../../../client/exchange/codec/codec.ts';
import { ErrorFeedback } from '../../../client/train/encoding/error-feedback.ts';
import { WorkerMomentum } from '../../../client/train/encoding/worker-momentum.ts';
import { openCpu } from '../../../kernels/device/cpu.ts';
import type { Device } from '../../../kernels/device/device.ts';
import type { Difference } from '../../../shared/aggregation/rule.ts';
import { sha256Hex } from '../../../shared/bytes.ts';
import { LoomError } from '../../../shared/errors.ts';
import { aggregationSettings } from '../../../shared/manifest/aggregation.ts';
import { compressionAt, errorFeedbackOf } from '../../../shared/manifest/compression.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import { createRandom } from '../../../shared/random.ts';
import { outerStepOf } from '../../../shared/rounds/outer-step.ts';
import { learningRateAt, slotSeed } from '../../../shared/rounds/pace/schedule.ts';
import { outerStep } from '../../../shared/rounds/state.ts';
import type { AgreedState } from '../../../shared/rounds/state.ts';
import { withoutCopies } from '../../../shared/verification/copies.ts';
import type { Shard } from '../../../shared/verification/trial.ts';
import type { Attack } from './attackers.ts';
import { BenchCourt } from './bench-court.ts';
import type { Checks } from './bench-court.ts';

export interface AttackedJob {
  readonly manifest: Manifest;
  readonly data: Uint8Array;
  readonly rounds: number;
  readonly honest: number;
  readonly liars: number;
  readonly attack: Attack | null; // null when there are no liars
  readonly verified: boolean; // commitments, loss gate, audits and bans before the rule
  readonly repeatable: boolean; // nobody keeps anything of its own from round to round, as audits need it
}

export interface AttackedResult {
  readonly loss: number; // on held-out text after the last round; infinity if the agreed state stopped being a model
  readonly checks: Checks | null;
}

interface Worker {
  readonly id: string;
  readonly slot: number;
  readonly run: LocalRun;
  readonly momentum: WorkerMomentum;
  readonly feedback: ErrorFeedback;
}

export interface Sent {
  readonly workerId: string;
  readonly hash: string;
  readonly slot: number;
  readonly payload: Uint8Array;
  readonly tokens: number;
}

export interface Decoded extends Difference, Sent {}

const pace = new Pace({ ...realTiming, sleep: async () => {} }, () => 1, new AbortController().signal);

export async function runAttackedJob(job: AttackedJob): Promise<AttackedResult> {
  const swarm = new AttackedSwarm(job, languageModel(job));
  try {
    return await swarm.train();
  } catch (error) {
    if (error instanceof LoomError && /diverged|not finite/.test(error.message))
      return { loss: Infinity, checks: null };
    throw error;
  }
}

class AttackedSwarm {
  readonly #job: AttackedJob;
  readonly #algorithm: Algorithm;
  readonly #changes: Float32Array[] = [];
  readonly #firstSent: Float32Array[] = [];
  readonly #states: Float32Array[] = []; // agreed parameters by round
  readonly #court: BenchCourt | null;
  #seen: readonly Float32Array[] = []; // what honest workers sent a round ago
  #state: AgreedState;
  #workers: Worker[] = [];
  #liars: Worker[] = [];

  constructor(job: AttackedJob, algorithm: Algorithm) {
    this.#job = job;
    this.#algorithm = algorithm;
    this.#state = { round: 0, parameters: algorithm.initialParameters(), momentum: null };
    const { verification, seed } = job.manifest.spec;
    this.#court = job.verified
      ? new BenchCourt(verification, seed, job.attack?.judgesTruly === true ? 'truly' : 'falsely')
      : null;
  }

  async train(): Promise<AttackedResult> {
    const { rounds, honest, liars, attack } = this.#job;
    this.#workers = await this.#open('honest', 0, honest, openCpu());
    const device = attack?.trains === 'on wrong labels' ? wrongLabels(openCpu()) : openCpu();
    this.#liars = await this.#open('liar', honest, attack === null ? 0 : liars, device);
    for (let round = 0; round < rounds; round++) await this.#round();
    const { loss } = await this.#workers[0]!.run.evaluate(this.#state.parameters, pace);
    return { loss: Number.isFinite(loss) ? loss : Infinity, checks: this.#court?.checks ?? null };
  }

  async #open(name: string, first: number, count: number, device: Device): Promise<Worker[]> {
    const { compression, aggregation } = this.#job.manifest.spec.rounds;
    const { repeatable } = this.#job;
    return Promise.all(
      Array.from({ length: count }, async (_, place) => ({
        id: `${name} ${place}`,
        slot: first + place,
        run: await this.#algorithm.open(device),
        momentum: new WorkerMomentum(repeatable ? 0 : aggregationSettings(aggregation).workerMomentum),
        feedback: new ErrorFeedback(repeatable ? 0 : errorFeedbackOf(compression)),
      })),
    );
  }

  async #round(): Promise<void> {
    const codec = this.#codec();
    this.#states.push(this.#state.parameters);
    const busy = (await this.#court?.convene(this.#present(), (checker, shard) => this.#again(checker, shard))) ?? [];
    const isFree = ({ id }: Worker): boolean => !busy.includes(id) && this.#court?.isBanned(id) !== true;
    const workers = this.#workers.filter(isFree);
    const sent: Sent[] = [];
    for (const worker of workers) sent.push(await this.#contribute(worker, codec));
    const honest = sent.map(({ payload }) => codec.decode(payload, this.#state.parameters.length));
    const lies = await this.#lies(this.#liars.filter(isFree), honest, sent[0]!.tokens, codec);
    this.#seen = honest;
    this.#firstSent.push(honest[0]!);
    const all = [...lies, ...sent];
    const elements = this.#state.parameters.length;
    let decoded = all.flatMap((one) => decodedOrNothing(one, codec, elements));
    if (this.#court !== null) decoded = withoutCopies(await this.#judged(all, decoded, workers));
    this.#apply(decoded);
    for (const { momentum, feedback } of workers) {
      momentum.settle();
      feedback.settle(sent.map(({ payload }) => payload));
    }
  }

  #present(): string[] {
    return [...this.#workers, ...this.#liars].map(({ id }) => id).filter((id) => this.#court?.isBanned(id) !== true);
  }

  async #contribute(worker: Worker, codec: Codec): Promise<Sent> {
    const { difference, tokens } = await this.#localSteps(worker.run, this.#shardOf(worker));
    const wanted = worker.feedback.correct(worker.momentum.smooth(difference));
    const payload = codec.encode(wanted);
    worker.feedback.sent(payload, wanted, codec.decode(payload, wanted.length));
    return { workerId: worker.id, hash: sha256Hex(payload), slot: worker.slot, payload, tokens };
  }

  /** Where commitments come first, liars see of this round only what they trained themselves; of the last one, everything. */
  async #lies(
    liars: readonly Worker[],
    honest: readonly Float32Array[],
    tokens: number,
    codec: Codec,
  ): Promise<Sent[]> {
    const { attack, verified } = this.#job;
    const trains = attack !== null && (verified || attack.trains !== 'not');
    const own: Float32Array[] = [];
    for (const liar of liars) {
      const zeros = new Float32Array(this.#state.parameters.length);
      own.push(trains ? (await this.#localSteps(liar.run, this.#shardOf(liar))).difference : zeros);
    }
    const known = verified ? own : honest;
    const seen = verified ? (this.#seen.length > 0 ? this.#seen : own) : honest;
    return liars.map((liar, place) => {
      const random = createRandom(this.#job.manifest.spec.seed, this.#state.round, place);
      const [changes, sent] = [this.#changes, this.#firstSent];
      const scene = {
        own: own[place]!,
        honest: known,
        seen,
        liars: liars.length,
        workers: honest.length,
        place,
        changes,
        sent,
        random,
      };
      const payload = codec.encode(attack!.lie(scene));
      attack!.forge?.(payload);
      return { workerId: liar.id, hash: `${liar.id} ${sha256Hex(payload)}`, slot: liar.slot, payload, tokens };
    });
  }

  #shardOf({ id, slot }: Worker): Shard {
    const { optimizer, rounds, seed } = this.#job.manifest.spec;
    const { round } = this.#state;
    const learningRate = learningRateAt(optimizer, (round + 0.5) / this.#job.rounds);
    return {
      round,
      workerId: id,
      hash: '',
      slot,
      seed: slotSeed(seed, round, slot),
      steps: rounds.innerSteps,
      learningRate,
    };
  }

  async #localSteps(run: LocalRun, { round, slot, seed, steps, learningRate }: Shard): Promise<Difference> {
    const start = this.#states[round]!;
    if (this.#job.repeatable) run.forget();
    const assignment = { round, slot, seed, steps, learningRate, evaluate: false, deadlineMs: 0 };
    const { tokens } = await run.train(start, assignment, pace, () => {});
    const parameters = await run.program.readParameters();
    return { difference: parameters.map((value, i) => value - start[i]!), tokens };
  }

  /** A shard as a checker computes it; liars that lie about it do not bother. */
  async #again(checker: string, shard: Shard): Promise<Float32Array | null> {
    const able = this.#job.attack?.judgesTruly === true ? [...this.#workers, ...this.#liars] : this.#workers;
    const worker = able.find(({ id }) => id === checker);
    if (worker === undefined) return null;
    const { difference } = await this.#localSteps(worker.run, shard);
    const codec = this.#codec(shard.round);
    return codec.decode(codec.encode(difference), difference.length);
  }

  /** What counts after the loss gate. Shards of this round are remembered for audits. */
  async #judged(all: readonly Sent[], decoded: readonly Decoded[], workers: readonly Worker[]): Promise<Decoded[]> {
    const { outerLearningRate } = this.#job.manifest.spec.rounds;
    const start = this.#state.parameters;
    const judges = [...workers, ...this.#liars].map(({ id }) => id).filter((id) => this.#present().includes(id));
    const measure = async (hash: string | null, seed: number, tokens: number): Promise<number> => {
      const one = decoded.find((other) => other.hash === hash);
      if (hash !== null && one === undefined) return Infinity;
      const after = one === undefined ? start : start.map((value, i) => value + outerLearningRate * one.difference[i]!);
      return workers[0]!.run.sample(after, seed, tokens, pace);
    };
    const shards = new Map([...this.#workers, ...this.#liars].map((worker) => [worker.id, this.#shardOf(worker)]));
    const pieces = all.map((one) => ({ ...shards.get(one.workerId)!, hash: one.hash }));
    const counted = await this.#court!.judge(all, decoded, pieces, judges, measure);
    return decoded.filter(({ workerId }) => counted.has(workerId));
  }

  #apply(decoded: readonly Decoded[]): void {
    const before = this.#state.parameters;
    const ranges = this.#algorithm.plan.parameters;
    this.#state = outerStep(this.#state, decoded, { ...outerStepOf(this.#job.manifest.spec), ranges });
    this.#changes.push(this.#state.parameters.map((value, i) => value - before[i]!));
  }

  #codec(round = this.#state.round): Codec {
    const settings = compressionAt(this.#job.manifest.spec.rounds.compression, round);
    return codecFor(settings, this.#algorithm.plan.parameters);
  }
}

/** As every worker does: a payload that does not decode adds nothing. */
function decodedOrNothing(sent: Sent, codec: Codec, elements: number): Decoded[] {
  try {
    const difference = codec.decode(sent.payload, elements);
    return difference.every(Number.isFinite) ? [{ ...sent, difference }] : [];
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

// The trainer, in the thread it is called in: it keeps the agreed state on the host, runs the job's algorithm on a device, and
// turns what was trained into a payload. The device may go away; the agreed state never depends on it.

import type { ChosenDevice } from '../../kernels/device/choose.ts';
import type { Device } from '../../kernels/device/device.ts';
import type { Plan } from '../../kernels/plan/plan.ts';
import { aggregate } from '../../shared/aggregation/aggregate.ts';
import type { Difference } from '../../shared/aggregation/rule.ts';
import type { Range } from '../../shared/aggregation/vectors.ts';
import { sha256Hex } from '../../shared/bytes.ts';
import { LoomError } from '../../shared/errors.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { isRepeatable, verificationSettings } from '../../shared/manifest/verification.ts';
import type { Assignment, Audit } from '../../shared/protocol/messages.ts';
import { fragmentStep, gather, scatter } from '../../shared/rounds/fragments.ts';
import { outerStepOf } from '../../shared/rounds/outer-step.ts';
import { discounted } from '../../shared/rounds/staleness.ts';
import { stateHash } from '../../shared/rounds/state.ts';
import type { AgreedState } from '../../shared/rounds/state.ts';
import { compare, unlike } from '../../shared/verification/compare.ts';
import type { Likeness } from '../../shared/verification/compare.ts';
import { withoutCopies } from '../../shared/verification/copies.ts';
import { stateHistory } from '../../shared/verification/court.ts';
import { joinPayloads, segmentRange, splitPayload } from '../exchange/codec/segments.ts';
import type { Algorithm, LocalRun, OnProgress } from './algorithm.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { DeviceEncoder } from './encoding/device-encoder.ts';
import { languageModel } from './lm/lm.ts';
import { Pace, realTiming } from './pace.ts';
import type { Timing } from './pace.ts';
import type {
  Applied,
  Artifact,
  Contribution,
  Folded,
  Losses,
  StateRef,
  Trainer,
  TrainerJob,
  TrainerReport,
  WeighedPayload,
} from './trainer.ts';
import { WorkerMemory } from './encoding/worker-memory.ts';

/** Opens the fastest device of this environment for a plan. */
export type ChooseDevice = (
  plan: Plan,
  backend: TrainerJob['backend'],
  precision: Manifest['spec']['precision'],
) => Promise<ChosenDevice>;

interface OpenJob {
  readonly manifest: Manifest;
  readonly backend: TrainerJob['backend'];
  readonly algorithm: Algorithm;
  readonly memory: WorkerMemory;
}

interface Running {
  readonly device: Device;
  readonly run: LocalRun;
  readonly encoder: DeviceEncoder | null;
}

export class LocalTrainer implements Trainer {
  readonly #choose: ChooseDevice;
  readonly #timing: Timing;
  #load = 1;
  #interruption = new AbortController(); // of the work asked for so far
  #job: OpenJob | null = null;
  readonly #closing = new AbortController();
  #state: AgreedState | null = null;
  #earlier: AgreedState[] = []; // the last ones before it, where shards of theirs may be audited
  #running: Running | null = null; // null after the device was lost
  #work: Promise<unknown> = Promise.resolve(); // what uses the device does so one at a time

  constructor(choose: ChooseDevice, timing: Timing = realTiming) {
    this.#choose = choose;
    this.#timing = timing;
  }

  async open({ backend, ...job }: TrainerJob): Promise<TrainerReport & StateRef> {
    const { manifest } = job;
    const algorithm = languageModel(job);
    this.#job = { manifest, backend, algorithm, memory: new WorkerMemory(manifest, algorithm.plan) };
    const { device, why, stepsPerSecond } = await this.#openDevice(this.#job);
    return {
      adapter: device.info.adapter,
      kind: device.info.kind,
      why,
      parameterCount: algorithm.plan.parameters.reduce((sum, { elements }) => sum + elements, 0),
      tokensPerSecond: stepsPerSecond * algorithm.tokensPerBatch,
      ...(await this.restore(null)),
    };
  }

  async state(): Promise<StateRef> {
    return refOf(this.#agreed());
  }

  async restore(checkpoint: Uint8Array | null): Promise<StateRef> {
    const { algorithm, memory } = this.#opened();
    memory.clear();
    this.#running?.encoder?.clear();
    this.#earlier = [];
    this.#state =
      checkpoint === null
        ? { round: 0, parameters: algorithm.initialParameters(), momentum: null }
        : readCheckpoint(algorithm.plan, checkpoint);
    return refOf(this.#state);
  }

  async checkpoint(): Promise<Uint8Array> {
    return writeCheckpoint(this.#opened().algorithm.plan, this.#agreed());
  }

  train(assignment: Assignment, onProgress: OnProgress): Promise<Contribution> {
    return this.#exclusively(async (run, pace) => {
      const { memory } = this.#opened();
      const { round, parameters: agreed } = this.#agreed();
      this.#checkRound(assignment, round);
      const validation = assignment.evaluate ? await run.evaluate(agreed, pace) : null;
      if (this.#isRepeatable) run.forget();
      const startedAt = pace.now();
      const { tokens, loss } = await run.train(memory.start(assignment.round, agreed), assignment, pace, onProgress);
      const seconds = (pace.now() - startedAt) / 1000;
      const { encoder } = this.#running!;
      const payload = encoder
        ? await encoder.encode(agreed)
        : (await memory.encodeTrained(assignment.round, agreed, run)).payload;
      const pieces = this.#cut(assignment, payload);
      return {
        round: assignment.round,
        ...named(payload),
        tokens,
        loss,
        seconds,
        validation,
        ...(pieces && { pieces }),
      };
    });
  }

  async interrupt(): Promise<void> {
    this.#interruption.abort();
    this.#interruption = new AbortController();
  }

  async apply(
    round: number,
    contributions: WeighedPayload[],
    inside: Uint8Array[] = [],
    learningRate?: number,
  ): Promise<Applied> {
    const state = this.#agreed();
    if (round !== state.round)
      throw new LoomError('conflict', `the agreed state is of round ${state.round}, not ${round}`);
    const { manifest, memory } = this.#opened();
    const step = outerStepOf(manifest.spec, learningRate);
    const decoded = contributions.map((contribution) => this.#decode(round, contribution));
    const readable = decoded.filter((difference) => difference !== null);
    const { isOn } = verificationSettings(manifest.spec.verification);
    const differences = isOn ? withoutCopies(readable) : readable;
    if (this.#isRepeatable) this.#earlier = [...this.#earlier, state].slice(-stateHistory);
    this.#state = fragmentStep(state, memory.fragment(round), differences, step);
    const accepted = [...contributions.map(({ payload }) => payload), ...inside];
    memory.settle(round, accepted, this.#state.parameters);
    this.#running?.encoder?.settle(accepted);
    return { ...refOf(this.#state), refused: contributions.length - differences.length };
  }

  async fold(round: number, inputs: WeighedPayload[]): Promise<Folded> {
    const { elements, places } = this.#opened().memory.fragment(round);
    return this.#fold(round, inputs, elements, places);
  }

  async sum(round: number, inputs: WeighedPayload[], segment: number, segments: number): Promise<Folded> {
    const { elements } = this.#opened().memory.fragment(round);
    const { from, to } = segmentRange(elements, segments, segment);
    return this.#fold(round, inputs, to - from, []); // no rule that adds up looks at tensors
  }

  async join(round: number, sums: Uint8Array[], folds: number): Promise<Folded> {
    const { memory } = this.#opened();
    const { elements } = memory.fragment(round);
    for (const [segment, payload] of sums.entries()) {
      const { from, to } = segmentRange(elements, sums.length, segment);
      memory.codec(round, folds).decode(payload, to - from);
    }
    return named(joinPayloads(memory.body(round), sums, elements));
  }

  measure(round: number, payloads: Uint8Array[], seed: number, tokens: number): Promise<Losses> {
    return this.#beside(async (run, pace) => {
      const state = this.#agreed();
      if (state.round !== round)
        throw new LoomError('conflict', `the agreed state is of round ${state.round}, not ${round}`);
      const before = await run.sample(state.parameters, seed, tokens, pace);
      const after: (number | null)[] = [];
      for (const payload of payloads) {
        const applied = this.#withOne(state, payload);
        const loss = applied === null ? NaN : await run.sample(applied, seed, tokens, pace);
        after.push(Number.isFinite(loss) ? loss : null);
      }
      return { before, after };
    });
  }

  audit({ round, steps, ...work }: Audit, payload: Uint8Array): Promise<Likeness> {
    return this.#beside(async (run, pace) => {
      const state = [...this.#earlier, this.#agreed()].find((one) => one.round === round);
      if (state === undefined)
        throw new LoomError('conflict', `the agreed state of round ${round} is not held any more`);
      const claimed = this.#decode(round, { payload, tokens: 1 });
      if (claimed === null) return unlike;
      run.forget();
      const assignment = { round, steps, ...work, evaluate: false, deadlineMs: 0 };
      await run.train(state.parameters, assignment, pace, () => {});
      const parameters = await run.program.readParameters();
      // Audits go with whole rounds only: see the manifest.
      const codec = this.#opened().memory.codec(round);
      const again = codec.encode(parameters.map((value, i) => value - state.parameters[i]!));
      return compare(claimed.difference, codec.decode(again, parameters.length));
    });
  }

  async inspect(checkpoint: Uint8Array): Promise<StateRef> {
    return refOf(readCheckpoint(this.#opened().algorithm.plan, checkpoint));
  }

  artifact(): Promise<Artifact> {
    const { parameters } = this.#agreed();
    return this.#exclusively((run, pace) => run.artifact(parameters, pace));
  }

  async setLoad(fraction: number): Promise<void> {
    this.#load = fraction;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.interrupt();
    await this.#work.catch(() => {});
    this.#running?.device.destroy();
    this.#running = null;
    this.#job = null;
    this.#state = null;
  }

  async #openDevice({ algorithm, backend, manifest }: OpenJob): Promise<ChosenDevice> {
    this.#running?.device.destroy();
    const chosen = await this.#choose(algorithm.plan, backend, manifest.spec.precision);
    const { device } = chosen;
    const run = await algorithm.open(device);
    const running = { device, run, encoder: await DeviceEncoder.open(manifest, device, run.program) };
    this.#running = running;
    void this.#forgetWhenLost(running);
    return chosen;
  }

  /** The next piece of work after a loss opens another device. */
  async #forgetWhenLost(running: Running): Promise<void> {
    await running.device.lost;
    if (this.#running === running) this.#running = null;
  }

  /** Runs work on the device after the work before it, on a new device if the last one was lost. */
  #exclusively<T>(work: (run: LocalRun, pace: Pace) => Promise<T>, signal = this.#interruption.signal): Promise<T> {
    const job = this.#opened();
    const result = this.#work.then(async () => {
      if (this.#running === null) await this.#openDevice(job);
      return work(this.#running!.run, new Pace(this.#timing, () => this.#load, signal));
    });
    this.#work = result.catch(() => {});
    return result;
  }

  /** Work for others: a round that closes without our own training does not break it off. */
  #beside<T>(work: (run: LocalRun, pace: Pace) => Promise<T>): Promise<T> {
    return this.#exclusively(work, this.#closing.signal);
  }

  /** The agreed parameters with one contribution alone; null if that is not readable. */
  #withOne({ round, parameters }: AgreedState, payload: Uint8Array): Float32Array | null {
    const decoded = this.#decode(round, { payload, tokens: 1 });
    if (decoded === null) return null;
    const { manifest, memory } = this.#opened();
    const { outerLearningRate } = manifest.spec.rounds;
    const fragment = memory.fragment(round);
    const changed = gather(parameters, fragment).map((value, i) => value + outerLearningRate * decoded.difference[i]!);
    return scatter(parameters, fragment, changed);
  }

  /** Work may begin from a later state, when it may be late, or from the one before, when that has its fragment. */
  #checkRound({ round }: Assignment, held: number): void {
    const { staleness, overlap } = this.#opened().manifest.spec.rounds;
    if (held < round - (overlap ? 1 : 0) || held > round + staleness)
      throw new LoomError('conflict', `the agreed state is of round ${held}, not ${round}`);
  }

  get #isRepeatable(): boolean {
    return isRepeatable(this.#opened().manifest.spec.verification);
  }

  #fold(round: number, inputs: WeighedPayload[], elements: number, ranges: readonly Range[]): Folded {
    const { manifest, memory } = this.#opened();
    const differences = inputs.flatMap((input) => this.#decode(round, input, elements) ?? []);
    const { difference } = aggregate(manifest.spec.rounds.aggregation, differences, { round, elements, ranges });
    const folds = inputs.reduce((sum, input) => sum + (input.folds ?? 1), 0);
    return named(memory.codec(round, folds).encode(difference ?? new Float32Array(elements)));
  }

  #cut({ round, segments }: Assignment, payload: Uint8Array): Folded[] | undefined {
    if (segments === undefined) return undefined;
    const { memory } = this.#opened();
    return splitPayload(memory.body(round), payload, memory.fragment(round).elements, segments).map(named);
  }

  /** A payload that does not decode adds nothing; every worker sees the same bytes, so all leave it out alike. */
  #decode(
    round: number,
    { payload, tokens, folds, staleness = 0 }: WeighedPayload,
    elements = this.#opened().memory.fragment(round).elements,
  ): Difference | null {
    const { memory } = this.#opened();
    try {
      const codec = memory.codec(round - staleness, folds);
      return { difference: discounted(codec.decode(payload, elements), staleness), tokens };
    } catch (error) {
      if (error instanceof LoomError && error.code === 'invalid_frame') return null;
      throw error;
    }
  }

  #opened(): OpenJob {
    if (this.#job === null) throw new LoomError('internal', 'the trainer has no job');
    return this.#job;
  }

  #agreed(): AgreedState {
    if (this.#state === null) throw new LoomError('internal', 'the trainer has no state');
    return this.#state;
  }
}

function named(payload: Uint8Array): Folded {
  return { payload, hash: sha256Hex(payload) };
}

function refOf(state: AgreedState): StateRef {
  return { round: state.round, stateHash: stateHash(state) };
}

// What stays with one worker from round to round, and how it becomes what the worker sends: running mean and held-back rest of
// its differences or gradients, for each fragment by itself, and its own parameters of the fragments that the last rounds did not exchange.
// Nothing of it is part of the agreed state; a worker that begins anew begins without.

import type { Plan } from '../../../kernels/plan/plan.ts';
import { aggregationSettings } from '../../../shared/manifest/aggregation.ts';
import { errorFeedbackOf } from '../../../shared/manifest/compression.ts';
import { payloadCompressionAt } from '../../../shared/manifest/fold-compression.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import { isRepeatable } from '../../../shared/manifest/verification.ts';
import { dealFragments, gather, scatter } from '../../../shared/rounds/fragments.ts';
import type { Fragment } from '../../../shared/rounds/fragments.ts';
import { codecFor } from '../../exchange/codec/codec.ts';
import type { Codec } from '../../exchange/codec/codec.ts';
import type { DenseBody } from '../../exchange/codec/bodies/body.ts';
import { ErrorFeedback } from './error-feedback.ts';
import { denseBody } from '../../exchange/codec/segments.ts';
import { WorkerMomentum } from './worker-momentum.ts';
import type { LocalRun } from '../algorithm.ts';

export interface Sent {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly said: Float32Array; // what the payload decodes to
}

interface OfFragment {
  readonly fragment: Fragment;
  readonly momentum: WorkerMomentum;
  readonly feedback: ErrorFeedback;
}

/** What a round that closed did to the parameters that local training had begun with: it does so to what is trained. */
interface Shift {
  readonly fragment: Fragment;
  readonly by: Float32Array;
}

export class WorkerMemory {
  readonly #compression: Manifest['spec']['rounds']['compression'];
  readonly #fragments: readonly OfFragment[];
  /** Our parameters before the local training that was begun last, where they are not the agreed ones everywhere. */
  #own: Float32Array | null = null;
  #trained: { readonly round: number; readonly parameters: Float32Array } | null = null;
  #shifts: Shift[] = []; // by rounds that closed since local training began

  constructor({ spec: { rounds, verification } }: Manifest, { parameters, parameterCount }: Plan) {
    const repeatable = isRepeatable(verification); // then nothing of our own stays from round to round
    const momentum = repeatable ? 0 : aggregationSettings(rounds.aggregation).workerMomentum;
    const feedback = repeatable ? 0 : errorFeedbackOf(rounds.compression);
    this.#compression = rounds.compression;
    this.#fragments = dealFragments(parameters, parameterCount, rounds.fragments).map((fragment) => ({
      fragment,
      momentum: new WorkerMomentum(momentum),
      feedback: new ErrorFeedback(feedback, rounds.staleness),
    }));
  }

  /** What a round exchanges. */
  fragment(round: number): Fragment {
    return this.#of(round).fragment;
  }

  /** For the fragment's vector. @param folds contributions in a payload */
  codec(round: number, folds = 1): Codec {
    return codecFor(payloadCompressionAt(this.#compression, round, folds), this.fragment(round).places);
  }

  /** How payloads of a round that adds up are cut. */
  body(round: number): DenseBody {
    return denseBody(payloadCompressionAt(this.#compression, round, 1));
  }

  /**
   * The parameters that local training begins with: ours, which go on from what was trained for the round before also while
   * that is still open. Training a round twice begins with the same.
   */
  start(round: number, agreed: Float32Array): Float32Array {
    if (this.fragment(round).isWhole) return agreed;
    this.#own ??= agreed;
    if (this.#trained !== null && this.#trained.round < round) this.#own = this.#trained.parameters;
    this.#trained = null;
    this.#shifts = [];
    return this.#own;
  }

  /** What to send of what `run` has trained last, from `start` on. */
  async encodeTrained(round: number, agreed: Float32Array, run: LocalRun): Promise<Sent> {
    const gradient = await run.gradient();
    if (gradient !== null) return this.#encode(round, gradient.map(negative));
    return this.encode(round, agreed, await run.program.readParameters());
  }

  /** The payload of trained parameters: the difference of the round's fragment with what is remembered of earlier ones. */
  encode(round: number, agreed: Float32Array, trained: Float32Array): Sent {
    const { fragment } = this.#of(round);
    const start = gather(agreed, fragment);
    const sent = this.#encode(
      round,
      gather(trained, fragment).map((value, i) => value - start[i]!),
    );
    if (!fragment.isWhole) this.#trained = { round, parameters: this.#shifts.reduce(shifted, trained) };
    return sent;
  }

  #encode(round: number, difference: Float32Array): Sent {
    const { momentum, feedback } = this.#of(round);
    const wanted = feedback.correct(momentum.smooth(difference));
    const codec = this.codec(round);
    const payload = codec.encode(wanted);
    const said = codec.decode(payload, wanted.length);
    feedback.sent(payload, wanted, said, round);
    return { payload, said };
  }

  /** The round closed with these payloads, and this is the state after it. */
  settle(round: number, accepted: readonly Uint8Array[], agreed: Float32Array): void {
    const { fragment, momentum, feedback } = this.#of(round);
    momentum.settle();
    feedback.settle(accepted, round);
    if (fragment.isWhole || this.#own === null) return;
    const part = gather(agreed, fragment);
    if (this.#trained?.round === round) {
      this.#own = scatter(this.#trained.parameters, fragment, part);
      this.#trained = null;
      return;
    }
    const start = gather(this.#own, fragment);
    const shift = { fragment, by: part.map((value, i) => value - start[i]!) };
    this.#own = scatter(this.#own, fragment, part);
    if (this.#trained === null) this.#shifts.push(shift);
    else this.#trained = { ...this.#trained, parameters: shifted(this.#trained.parameters, shift) };
  }

  /** The agreed state was replaced. */
  clear(): void {
    for (const { momentum, feedback } of this.#fragments) {
      momentum.clear();
      feedback.clear();
    }
    this.#own = null;
    this.#trained = null;
    this.#shifts = [];
  }

  #of(round: number): OfFragment {
    return this.#fragments[round % this.#fragments.length]!;
  }
}

function shifted(parameters: Float32Array, { fragment, by }: Shift): Float32Array {
  return scatter(
    parameters,
    fragment,
    gather(parameters, fragment).map((value, i) => value + by[i]!),
  );
}

function negative(value: number): number {
  return -value;
}

// Payloads made where the parameters are: the device finds what is to be said of the difference and only that is read back.
// Held-back rests of differences stay on the device, under the rules of ErrorFeedback; they are lost with it, and a worker whose
// device was lost begins without, as after a restart. Null where the job's compression is the encoder's alone.

import { compressParameters, settlement } from '../../../kernels/compress/compress.ts';
import type { CompressedForm } from '../../../kernels/compress/compress.ts';
import type { LargestSettings } from '../../../kernels/compress/records.ts';
import type { Device, Program } from '../../../kernels/device/device.ts';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import { LoomError } from '../../../shared/errors.ts';
import { aggregationSettings } from '../../../shared/manifest/aggregation.ts';
import { compressionAt, errorFeedbackOf } from '../../../shared/manifest/compression.ts';
import type { RoundCompression } from '../../../shared/manifest/compression.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import { isRepeatable } from '../../../shared/manifest/verification.ts';
import { createRandom } from '../../../shared/random.ts';
import { compare } from '../../../shared/verification/compare.ts';
import { codecFor } from '../../exchange/codec/codec.ts';
import { sameBytes } from './error-feedback.ts';
import { bytesPayload, dctPayload, topkPayload } from '../../exchange/codec/recorded.ts';
import { sumsName } from '../lm/accumulation.ts';

const checkedShapes = [[96, 128], [1000]]; // whole blocks and a part, chunks of both sorts
const checkedError = 0.02; // means may differ in their last bit, and then values on the border of two codes

type Form = CompressedForm;

export class DeviceEncoder {
  readonly #program: Program;
  readonly #form: Form;
  readonly #decay: number;
  #settled: number = settlement.replaced;
  #pending: Uint8Array | null = null; // the payload that the device's `rest` belongs to

  private constructor(program: Program, form: Form, decay: number) {
    this.#program = program;
    this.#form = form;
    this.#decay = decay;
  }

  /**
   * @param training whose parameters are compressed
   * @returns null on the CPU backend, for compressions that only the encoder knows, and where the device contradicts it
   */
  static async open(manifest: Manifest, device: Device, training: Program): Promise<DeviceEncoder | null> {
    const decay = isRepeatable(manifest.spec.verification) ? 0 : errorFeedbackOf(manifest.spec.rounds.compression);
    const form = device.info.kind === 'webgpu' ? formOf(manifest, decay > 0) : null;
    if (form === null || !(await agrees(device, form))) return null;
    const program = await device.compile(planOf(training.plan, form), { shareWith: training }).catch(nullIfTooLarge);
    return program && new DeviceEncoder(program, form, decay);
  }

  /** The payload of the difference of the program's parameters. Making one again for the same round changes nothing else. */
  async encode(agreed: Float32Array): Promise<Uint8Array<ArrayBuffer>> {
    const program = this.#program;
    if (!this.#hasGradients) program.write('compress.start', agreed);
    if (this.#hasFeedback) program.write('compress.settings', Float32Array.of(this.#decay, this.#settled));
    this.#settled = settlement.none; // before anything is waited for: the round may close meanwhile
    this.#pending = null;
    await program.run();
    const payload = await readPayload(program, this.#form);
    this.#pending = payload.slice();
    return payload;
  }

  /** The round closed with these payloads. Without a contribution of our own in it nothing changes. */
  settle(accepted: readonly Uint8Array[]): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#settled = accepted.some((other) => sameBytes(other, pending)) ? settlement.accepted : settlement.refused;
    this.#pending = null;
  }

  /** The agreed state was replaced. */
  clear(): void {
    this.#settled = settlement.replaced;
    this.#pending = null;
  }

  get #hasFeedback(): boolean {
    return this.#form.kind !== 'bytes' && this.#form.feedback;
  }

  get #hasGradients(): boolean {
    return this.#form.kind === 'coefficients' && this.#form.gradients !== null;
  }
}

/** Fragments and running means are the worker's own, and a changing density would be another program every round. */
function formOf({ spec: { rounds, optimizer } }: Manifest, feedback: boolean): Form | null {
  const { compression, exchange, fragments, aggregation, staleness } = rounds;
  if (feedback && staleness > 0) return null; // it remembers one payload, and several may be on their way
  if (fragments > 1 || aggregationSettings(aggregation).workerMomentum > 0) return null;
  if (typeof compression === 'object' && 'warmup' in compression && compression.warmup !== undefined) return null;
  const settings = compressionAt(compression, 0);
  const gradients = exchange === 'gradients' ? { name: sumsName, maxNorm: optimizer.gradientClip } : null;
  if (isFewBits(settings) && settings.kind === 'dct') return { kind: 'coefficients', feedback, settings, gradients };
  if (gradients !== null) return null; // only coefficients are made of them
  if (settings.kind === 'int8') return { kind: 'bytes' };
  return isFewBits(settings) ? { kind: 'largest', feedback, settings } : null;
}

function isFewBits(settings: RoundCompression): settings is { kind: 'topk' | 'dct' } & LargestSettings {
  return 'density' in settings && (settings.bits === 1 || settings.bits === 2);
}

async function readPayload(program: Program, form: Form): Promise<Uint8Array<ArrayBuffer>> {
  const records = (await program.read('compress.records')) as Uint32Array;
  const { parameters, parameterCount } = program.plan;
  if (form.kind === 'bytes') return bytesPayload(parameterCount, records);
  if (form.kind === 'largest') return topkPayload(form.settings, parameterCount, records);
  return dctPayload(form.settings, parameters, parameterCount, records);
}

/** Whether a device says of a few blocks what the encoder says. Not every driver was at hand when the kernels were written. */
async function agrees(device: Device, form: Form): Promise<boolean> {
  const builder = new PlanBuilder();
  for (const [i, shape] of checkedShapes.entries()) builder.parameter(`checked.${i}`, shape);
  compressParameters(builder, differenceAlone(form));
  try {
    const program = await device.compile(builder.finish());
    const random = createRandom(1);
    const values = new Float32Array(program.plan.parameterCount).map(() => 0.01 * random.normal());
    program.writeParameters(values);
    program.write('compress.start', new Float32Array(values.length));
    await program.run();
    const payload = await readPayload(program, form);
    program.destroy();
    const kind = form.kind === 'largest' ? 'topk' : 'dct';
    const codec = codecFor(form.kind === 'bytes' ? { kind: 'int8' } : { ...form.settings, kind }, builder.layout());
    const [ours, theirs] = [payload, codec.encode(values)].map((one) => codec.decode(one, values.length));
    return compare(ours!, theirs!).error < checkedError;
  } catch (error) {
    if (error instanceof LoomError && error.code === 'device_lost') throw error;
    return false;
  }
}

function differenceAlone(form: Form): Form {
  if (form.kind === 'bytes') return form;
  return form.kind === 'largest' ? { ...form, feedback: false } : { ...form, feedback: false, gradients: null };
}

/** Where the device has no room for the vectors of compression, the parameters are read back. */
function nullIfTooLarge(error: unknown): null {
  if (error instanceof LoomError && error.code === 'no_backend') return null;
  throw error;
}

function planOf({ parameters }: Plan, form: Form): Plan {
  const builder = new PlanBuilder();
  for (const { name, shape, decay } of parameters) builder.parameter(name, shape, { decay });
  compressParameters(builder, form);
  return builder.finish();
}

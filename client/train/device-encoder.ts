// Payloads made where the parameters are: the device finds what is to be said of the difference and only that is read back.
// Held-back rests of differences stay on the device, under the rules of ErrorFeedback; they are lost with it, and a worker whose
// device was lost begins without, as after a restart. Null where the job's compression is the encoder's alone.

import { compressParameters, settlement } from '../../kernels/compress/compress.ts';
import type { LargestSettings } from '../../kernels/compress/records.ts';
import type { Device, Program } from '../../kernels/device/device.ts';
import { PlanBuilder } from '../../kernels/plan/builder.ts';
import type { Plan } from '../../kernels/plan/plan.ts';
import { LoomError } from '../../shared/errors.ts';
import { aggregationSettings } from '../../shared/manifest/aggregation.ts';
import { compressionAt, errorFeedbackOf } from '../../shared/manifest/compression.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { isRepeatable } from '../../shared/manifest/verification.ts';
import { sameBytes } from '../exchange/compression/error-feedback.ts';
import { bytesPayload, topkPayload } from '../exchange/recorded.ts';

type Form = Parameters<typeof compressParameters>[1];

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
   * @returns null on the CPU backend, and for compressions that only the encoder knows
   */
  static async open(manifest: Manifest, device: Device, training: Program): Promise<DeviceEncoder | null> {
    const decay = isRepeatable(manifest.spec.verification) ? 0 : errorFeedbackOf(manifest.spec.rounds.compression);
    const form = device.info.kind === 'webgpu' ? formOf(manifest, decay > 0) : null;
    if (form === null) return null;
    const program = await device.compile(planOf(training.plan, form), { shareWith: training }).catch(nullIfTooLarge);
    return program && new DeviceEncoder(program, form, decay);
  }

  /** The payload of the difference of the program's parameters. Making one again for the same round changes nothing else. */
  async encode(agreed: Float32Array): Promise<Uint8Array<ArrayBuffer>> {
    const program = this.#program;
    program.write('compress.start', agreed);
    if (this.#hasFeedback) program.write('compress.settings', Float32Array.of(this.#decay, this.#settled));
    this.#settled = settlement.none; // before anything is waited for: the round may close meanwhile
    this.#pending = null;
    await program.run();
    const records = (await program.read('compress.records')) as Uint32Array;
    const { parameterCount } = program.plan;
    const payload =
      this.#form.kind === 'bytes'
        ? bytesPayload(parameterCount, records)
        : topkPayload(this.#form.settings, parameterCount, records);
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
    return this.#form.kind === 'largest' && this.#form.feedback;
  }
}

/** Fragments and running means are the worker's own, and a changing density would be another program every round. */
function formOf({ spec: { rounds } }: Manifest, feedback: boolean): Form | null {
  const { compression, fragments, aggregation } = rounds;
  if (fragments > 1 || aggregationSettings(aggregation).workerMomentum > 0) return null;
  if (typeof compression === 'object' && compression.kind === 'topk' && compression.warmup !== undefined) return null;
  const settings = compressionAt(compression, 0);
  if (settings.kind === 'int8') return { kind: 'bytes' };
  return isFewBits(settings) ? { kind: 'largest', feedback, settings } : null;
}

function isFewBits(settings: { kind: string; bits?: number }): settings is { kind: 'topk' } & LargestSettings {
  return settings.kind === 'topk' && (settings.bits === 1 || settings.bits === 2);
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

// Lets a model write: tokens one after another, each drawn on the device, so that the host only listens. Every step reads each
// weight once; what came before is in the cache.

import { cursorName } from '../../../kernels/decode/cursor.ts';
import type { Device, Program } from '../../../kernels/device/device.ts';
import type { View } from '../../../kernels/plan/op.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { samplingSettings } from '../../../kernels/sampling/sample.ts';
import type { Sampling } from '../../../kernels/sampling/sample.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { DecoderShape } from '../decoder.ts';
import { decodePlan, prefillPlan } from './decode-plans.ts';
import { weightBytesRead, weightValues } from './weights.ts';

/** Steps whose token is not read yet: enough to keep a GPU busy. */
const stepsInFlight = 2;

export interface GenerateOptions extends Sampling {
  /** How many at most. */
  readonly tokens: number;
  /** Generation ends after any of these (an end-of-text token). */
  readonly stop?: ReadonlySet<number>;
  /** Called after each token: lets other work run, and may throw to interrupt. */
  readonly rest?: () => Promise<void>;
}

export class TokenGenerator {
  readonly #device: Device;
  readonly #shape: DecoderShape;
  readonly #capacity: number;
  readonly #format: QuantizedFormat | null;
  readonly #step: Program;
  readonly #prefills = new Map<number, Program>(); // by positions

  private constructor(
    device: Device,
    shape: DecoderShape,
    { capacity, format, step }: { capacity: number; format: QuantizedFormat | null; step: Program },
  ) {
    this.#device = device;
    this.#shape = shape;
    this.#capacity = capacity;
    this.#format = format;
    this.#step = step;
  }

  /**
   * @param options.shareWith a program of the same model whose parameters are used; else `writeParameters` gives them
   * @param options.capacity positions a token can look back over, itself included; default and at most the model's context
   * @param options.quantize weights in 8 or 4 bits; not with `shareWith`
   */
  static async open(
    device: Device,
    shape: DecoderShape,
    options: { shareWith?: Program; capacity?: number; quantize?: QuantizedFormat } = {},
  ): Promise<TokenGenerator> {
    const capacity = Math.min(shape.context, options.capacity ?? shape.context);
    const format = options.quantize ?? null;
    const step = await device.compile(
      decodePlan(shape, capacity, format),
      options.shareWith ? { shareWith: options.shareWith } : {},
    );
    return new TokenGenerator(device, shape, { capacity, format, step });
  }

  /** Bytes of weights that one step reads. */
  get weightBytes(): number {
    return weightBytesRead(this.#step.plan);
  }

  /** The flat parameter vector of the model's plans. */
  writeParameters(parameters: Float32Array): void {
    if (this.#format === null) return this.#step.writeParameters(parameters);
    const plain = decodePlan(this.#shape, 1);
    for (const [name, data] of weightValues(plain, parameters, this.#format)) this.#step.write(name, data);
  }

  /**
   * Continues a prompt. When the cache is full, its later half is read in anew and the rest forgotten.
   * @param prompt at least one token, each below the vocabulary
   * @throws LoomError `invalid_request` for a prompt without tokens or with unknown ones
   */
  async *generate(prompt: ArrayLike<number>, options: GenerateOptions): AsyncGenerator<number, void> {
    const text = this.#checked(prompt);
    this.#step.write('sampling', samplingSettings(options));
    let position = await this.#readIn(text, 0);
    let started = 0;
    const unread: Promise<View>[] = [];
    try {
      while (started < options.tokens || unread.length > 0) {
        const isFull = position === this.#capacity;
        if (started < options.tokens && unread.length < stepsInFlight && !isFull) {
          await this.#step.run();
          unread.push(this.#step.read(cursorName));
          started++;
          position++;
        } else if (unread.length > 0) {
          const token = (await unread.shift()!)[0]!;
          text.push(token);
          yield token;
          if (options.stop?.has(token)) return;
          await options.rest?.();
        } else {
          position = await this.#readIn(text.slice(-Math.ceil(this.#capacity / 2)), started);
        }
      }
    } finally {
      await Promise.allSettled(unread);
    }
  }

  destroy(): void {
    for (const program of this.#prefills.values()) program.destroy();
    this.#step.destroy();
  }

  #checked(prompt: ArrayLike<number>): number[] {
    const text = Array.from(prompt);
    const { vocabulary } = this.#shape;
    if (text.length === 0) throw new LoomError('invalid_request', 'the prompt has no tokens', { where: 'prompt' });
    const unknown = text.find((token) => !(token >= 0 && token < vocabulary));
    if (unknown === undefined) return text;
    throw new LoomError('invalid_request', `token ${unknown} is not in the vocabulary`, {
      where: 'prompt',
      allowed: `0 to ${vocabulary - 1}`,
    });
  }

  /** Fills the cache with all but the last token, and points the cursor at that; returns its position. */
  async #readIn(text: readonly number[], drawn: number): Promise<number> {
    const window = text.slice(-this.#capacity);
    const last = window.length - 1;
    if (last > 0) {
      const program = await this.#prefill(last);
      const tokens = new Uint32Array(program.plan.tensors.find(({ name }) => name === 'tokens')!.shape[1]!);
      tokens.set(window.slice(0, last));
      program.write('tokens', tokens);
      await program.run();
    }
    this.#step.write(cursorName, Uint32Array.of(window[last]!, last, drawn, 0));
    return last;
  }

  /** For at least so many positions: the next power of two, so that a few programs serve every prompt. */
  async #prefill(positions: number): Promise<Program> {
    const time = Math.min(this.#capacity, 2 ** Math.ceil(Math.log2(positions)));
    const known = this.#prefills.get(time);
    if (known) return known;
    const plan = prefillPlan(this.#shape, this.#capacity, time, this.#format);
    const program = await this.#device.compile(plan, { shareWith: this.#step });
    this.#prefills.set(time, program);
    return program;
  }
}

// Lets a model write: tokens one after another, each drawn on the device, so that the host only listens. Every step reads each
// weight once for all texts that are written at once; what came before is in a cache of each.

import { cursorName, cursorSize } from '../../../kernels/decode/cursor.ts';
import type { CompileOptions, Device, Program } from '../../../kernels/device/device.ts';
import type { View } from '../../../kernels/plan/op.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { samplingSettings } from '../../../kernels/sampling/sample.ts';
import type { Sampling } from '../../../kernels/sampling/sample.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { DecoderShape } from '../decoder.ts';
import type { CacheSize } from './decode-plans.ts';
import { decodePlan, prefillPlan } from './decode-plans.ts';
import { weightBytesRead, weightValues } from './weights.ts';

/** Steps whose token is not read yet: enough to keep a GPU busy. */
const stepsInFlight = 2;

export interface GenerateOptions extends Sampling {
  /** How many at most. */
  readonly tokens: number;
  /** Generation ends after any of these (an end-of-text token). */
  readonly stop?: ReadonlySet<number>;
  /** Gets the logits [texts, V] that the next tokens are drawn from, just before these come. */
  readonly see?: (logits: Float32Array) => void;
  /** Called after each token: lets other work run, and may throw to interrupt. */
  readonly rest?: () => Promise<void>;
}

/** A token of one of the texts. */
export interface WrittenToken {
  readonly text: number; // in the order of the prompts
  readonly token: number;
}

/** A text while it is written. */
interface Line {
  readonly tokens: number[];
  position: number; // of the last token that the device knows or is about to draw
  isDone: boolean; // a stop token came; the device goes on with it, and nobody listens
}

/** What a step left. */
interface Drawn {
  readonly cursors: View;
  readonly logits: Float32Array | null;
}

type Precision = NonNullable<CompileOptions['precision']>;

interface Settings {
  readonly cache: CacheSize & { readonly texts: number };
  readonly format: QuantizedFormat | null;
  readonly precision: Precision;
}

interface OpenOptions {
  /** A program of the same model whose parameters are used; else `writeParameters` gives them. */
  readonly shareWith?: Program;
  /** Positions a token can look back over, itself included; default and at most the model's context. */
  readonly capacity?: number;
  /** Weights in 8 or 4 bits; not with `shareWith`. */
  readonly quantize?: QuantizedFormat;
  /** How many are written at once; default 1. */
  readonly texts?: number;
  /** f16: keys and values so far are kept as f16, and prompts read in by products in f16, where a GPU has it. */
  readonly precision?: Precision;
}

export class TokenGenerator {
  readonly #device: Device;
  readonly #shape: DecoderShape;
  readonly #cache: Settings['cache'];
  readonly #format: QuantizedFormat | null;
  readonly #precision: Precision;
  readonly #step: Program;
  readonly #prefills = new Map<number, Program>(); // by positions

  private constructor(device: Device, shape: DecoderShape, { cache, format, precision }: Settings, step: Program) {
    this.#device = device;
    this.#shape = shape;
    this.#cache = cache;
    this.#format = format;
    this.#precision = precision;
    this.#step = step;
  }

  static async open(device: Device, shape: DecoderShape, options: OpenOptions = {}): Promise<TokenGenerator> {
    const { texts = 1, quantize: format = null, shareWith, precision = 'f32' } = options;
    const cache = { capacity: Math.min(shape.context, options.capacity ?? shape.context), texts };
    const step = await device.compile(decodePlan(shape, cache, format), { precision, ...(shareWith && { shareWith }) });
    return new TokenGenerator(device, shape, { cache, format, precision }, step);
  }

  /** Positions a token can look back over, itself included. */
  get capacity(): number {
    return this.#cache.capacity;
  }

  /** Of the weights; null: as they are. */
  get format(): QuantizedFormat | null {
    return this.#format;
  }

  /** Bytes of weights that one step reads. */
  get weightBytes(): number {
    return weightBytesRead(this.#step.plan);
  }

  /** The flat parameter vector of the model's plans. */
  writeParameters(parameters: Float32Array): void {
    if (this.#format === null) return this.#step.writeParameters(parameters);
    const plain = decodePlan(this.#shape, { capacity: 1 });
    for (const [name, data] of weightValues(plain, parameters, this.#format)) this.#step.write(name, data);
  }

  /** As `generateAll`, of a generator of one text. */
  async *generate(prompt: ArrayLike<number>, options: GenerateOptions): AsyncGenerator<number, void> {
    for await (const { token } of this.generateAll([prompt], options)) yield token;
  }

  /**
   * Continues prompts, each as it would alone with the seed `options.seed` + its number. When a cache is full, its later half is
   * read in anew and the rest forgotten.
   * @param prompts as many as the generator writes at once, each of at least one token below the vocabulary
   * @throws LoomError `invalid_request` for a prompt without tokens or with unknown ones
   */
  async *generateAll(
    prompts: readonly ArrayLike<number>[],
    options: GenerateOptions,
  ): AsyncGenerator<WrittenToken, void> {
    const lines = prompts.map((prompt): Line => ({ tokens: this.#checked(prompt), position: 0, isDone: false }));
    this.#writeSettings(lines.length, options);
    for (const index of lines.keys()) await this.#readIn(lines, index);
    this.#writeCursors(lines, 0);
    let started = 0;
    const unread: Promise<Drawn>[] = [];
    try {
      while (lines.some(({ isDone }) => !isDone) && (started < options.tokens || unread.length > 0)) {
        const isFull = lines.some(({ position }) => position === this.#cache.capacity);
        if (started < options.tokens && unread.length < stepsInFlight && !isFull) {
          await this.#step.run();
          unread.push(this.#drawn(options));
          started++;
          for (const line of lines) line.position++;
        } else if (unread.length > 0) {
          const { cursors, logits } = await unread.shift()!;
          if (logits !== null) options.see!(logits);
          yield* heard(lines, cursors, options);
          await options.rest?.();
        } else {
          await this.#makeRoom(lines, started);
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

  async #drawn({ see }: GenerateOptions): Promise<Drawn> {
    const [cursors, logits] = await Promise.all([this.#step.read(cursorName), see ? this.#step.read('logits') : null]);
    return { cursors, logits: logits as Float32Array | null };
  }

  #checked(prompt: ArrayLike<number>): number[] {
    const tokens = Array.from(prompt);
    const { vocabulary } = this.#shape;
    if (tokens.length === 0) throw new LoomError('invalid_request', 'the prompt has no tokens', { where: 'prompt' });
    const unknown = tokens.find((token) => !(token >= 0 && token < vocabulary));
    if (unknown === undefined) return tokens;
    throw new LoomError('invalid_request', `token ${unknown} is not in the vocabulary`, {
      where: 'prompt',
      allowed: `0 to ${vocabulary - 1}`,
    });
  }

  #writeSettings(prompts: number, options: GenerateOptions): void {
    if (prompts !== this.#cache.texts)
      throw new LoomError('internal', `${prompts} prompts for a generator of ${this.#cache.texts}`);
    const seeds = Array.from({ length: prompts }, (_, text) => (options.seed + text) % 2 ** 32);
    const settings = seeds.flatMap((seed) => [...samplingSettings({ ...options, seed })]);
    this.#step.write('sampling', Uint32Array.from(settings));
  }

  /** Forgets the earlier half of each text whose cache is full; of one that is done, nearly all. */
  async #makeRoom(lines: readonly Line[], drawn: number): Promise<void> {
    const { capacity } = this.#cache;
    for (const [index, line] of lines.entries()) {
      if (line.position === capacity) await this.#readIn(lines, index, line.isDone ? 1 : Math.ceil(capacity / 2));
    }
    this.#writeCursors(lines, drawn);
  }

  /** Fills a text's cache with the last tokens but one, which its cursor will point at. */
  async #readIn(lines: readonly Line[], text: number, most = this.#cache.capacity): Promise<void> {
    const line = lines[text]!;
    const window = line.tokens.slice(-most);
    line.position = window.length - 1;
    if (line.position === 0) return;
    const program = await this.#prefill(line.position);
    const tokens = new Uint32Array(program.plan.tensors.find(({ name }) => name === 'tokens')!.shape[1]!);
    tokens.set(window.slice(0, line.position));
    program.write('tokens', tokens);
    program.write('slot', Uint32Array.of(text));
    await program.run();
  }

  #writeCursors(lines: readonly Line[], drawn: number): void {
    const cursors = lines.flatMap(({ tokens, position }) => [tokens.at(-1)!, position, drawn, 0]);
    this.#step.write(cursorName, Uint32Array.from(cursors));
  }

  /** For at least so many positions: the next power of two, so that a few programs serve every prompt. */
  async #prefill(positions: number): Promise<Program> {
    const time = Math.min(this.#cache.capacity, 2 ** Math.ceil(Math.log2(positions)));
    const known = this.#prefills.get(time);
    if (known) return known;
    const plan = prefillPlan(this.#shape, this.#cache, time, this.#format);
    const program = await this.#device.compile(plan, { shareWith: this.#step, precision: this.#precision });
    this.#prefills.set(time, program);
    return program;
  }
}

/** What a step drew, for the texts that are not done. */
function* heard(lines: readonly Line[], cursors: View, { stop }: GenerateOptions): Generator<WrittenToken> {
  for (const [text, line] of lines.entries()) {
    const token = cursors[text * cursorSize]!;
    line.tokens.push(token);
    if (line.isDone) continue;
    yield { text, token };
    line.isDone = stop?.has(token) ?? false;
  }
}

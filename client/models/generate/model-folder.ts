// A trained model on this machine, opened to be used: to write, or to be exported. Its folder is one that a job leaves, or one of
// Hugging Face's with a GPT-2, Llama, Mistral, Qwen2 or Qwen3.

import { chooseDevice } from '../../../kernels/device/choose.ts';
import type { Device } from '../../../kernels/device/device.ts';
import type { WebGpuResult } from '../../../kernels/device/webgpu.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { utf8 } from '../../../shared/bytes.ts';
import type { Bytes } from '../../../shared/bytes.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { Model } from '../model.ts';
import { toNamedArrays } from '../files/named-arrays.ts';
import { exportOnnx } from '../onnx/export.ts';
import { packFolder, parseJson } from '../files/pack.ts';
import type { ReadFile } from '../files/pack.ts';
import { openPretrained } from '../pretrained.ts';
import type { FingerprintVerdict } from '../../../shared/verification/fingerprint.ts';
import { decodePlan } from './decode-plans.ts';
import { checkFingerprint } from './fingerprint.ts';
import type { Fingerprint, FingerprintRecorder } from './fingerprint.ts';
import { TextStream } from './text-stream.ts';
import { TokenGenerator } from './token-generator.ts';
import type { GenerateOptions, WrittenToken } from './token-generator.ts';

export interface WriteOptions extends Omit<GenerateOptions, 'stop' | 'see'> {
  /** Watches what is written, of a single text; one step more is made for it. */
  readonly recorder?: FingerprintRecorder;
}

export interface StartOptions {
  readonly backend?: 'auto' | 'webgpu' | 'cpu';
  /** What prompt and text may have together before the beginning is forgotten. */
  readonly tokens?: number;
  /** Keeps the weights in 8 or 4 bits: less memory, and less that a step reads. */
  readonly quantize?: QuantizedFormat;
  /** How many are written at once, default 1: a step reads the weights once for all of them. */
  readonly texts?: number;
  /** f16: half the memory of the positions so far, and faster reading of prompts, on GPUs that have it. */
  readonly precision?: 'f32' | 'f16';
}

/** A piece of what a model writes. */
export interface Piece {
  readonly text: string;
  readonly tokens: number;
  readonly of: number; // which of the prompts
}

/** A model's parameters and tokenizer, on no device yet. */
export class ModelFolder {
  readonly model: Model;
  readonly #stop: ReadonlySet<number>;
  readonly #parameters: Float32Array;

  private constructor(model: Model, stop: ReadonlySet<number>) {
    this.model = model;
    this.#stop = stop;
    this.#parameters = model.initialParameters(decodePlan(model.shape, { capacity: 1 }), 0);
  }

  /**
   * @param read gives a file of the folder by its name, null for one that is missing
   * @param place what errors name: the folder
   * @throws LoomError `data_unavailable` that says what is wrong with the folder
   */
  static async open(read: ReadFile, place: string): Promise<ModelFolder> {
    try {
      const packed = await packFolder(read);
      const model = openPretrained({ kind: 'pretrained', from: `file:${place}`, context: 2 }, packed);
      return new ModelFolder(model, await endsOfText(read));
    } catch (cause) {
      if (!(cause instanceof LoomError)) throw cause;
      const { code, message, allowed } = cause;
      throw new LoomError(code, message, { where: place, cause, ...(allowed !== undefined && { allowed }) });
    }
  }

  /** The model as an ONNX file: `input_ids` int64 [batch, time] -> `logits` [batch, time, V]. */
  onnx(): Bytes {
    const { shape } = this.model;
    return exportOnnx(shape, toNamedArrays(decodePlan(shape, { capacity: 1 }), this.#parameters));
  }

  /**
   * The model on the fastest device, ready to write.
   * @param openGpu openBrowserGpu or openDawn
   * @throws LoomError `no_backend` when `backend` is 'webgpu' and there is none
   */
  async start(openGpu: () => Promise<WebGpuResult>, options: StartOptions = {}): Promise<Writer> {
    const { shape } = this.model;
    const capacity = Math.min(shape.context, options.tokens ?? shape.context);
    const { backend = 'auto', quantize, texts = 1, precision = 'f32' } = options;
    const chosen = await chooseDevice(openGpu, decodePlan(shape, { capacity, texts }, quantize ?? null), backend);
    const wanted = { capacity, texts, precision, ...(quantize && { quantize }) };
    const generator = await TokenGenerator.open(chosen.device, shape, wanted);
    generator.writeParameters(this.#parameters);
    return new Writer(this.model, this.#stop, generator, chosen.device, chosen.why);
  }

  /**
   * Whether this model wrote the text of a fingerprint.
   * @throws LoomError `no_backend` when `backend` is 'webgpu' and there is none
   */
  async check(
    openGpu: () => Promise<WebGpuResult>,
    fingerprint: Fingerprint,
    { backend = 'auto' }: Pick<StartOptions, 'backend'> = {},
  ): Promise<FingerprintVerdict> {
    const { shape } = this.model;
    const { device } = await chooseDevice(openGpu, decodePlan(shape, { capacity: 1 }), backend);
    try {
      return await checkFingerprint(device, { shape, parameters: this.#parameters }, fingerprint);
    } finally {
      device.destroy();
    }
  }
}

/** A model on a device. */
export class Writer {
  readonly adapter: string;
  /** One sentence: which backends were tried and measured, and why this one won. */
  readonly why: string;
  /** Bytes of weights that one step reads: a token, or one of each text. */
  readonly weightBytes: number;
  readonly #model: Model;
  readonly #stop: ReadonlySet<number>;
  readonly #generator: TokenGenerator;
  readonly #device: Device;

  constructor(model: Model, stop: ReadonlySet<number>, generator: TokenGenerator, device: Device, why: string) {
    this.#model = model;
    this.#stop = stop;
    this.#generator = generator;
    this.#device = device;
    this.adapter = device.info.adapter;
    this.why = why;
    this.weightBytes = generator.weightBytes;
  }

  /**
   * Continues a text, piece by piece; a piece is the text of one or more tokens. Ends early at the model's end-of-text token.
   * @throws LoomError `invalid_request` for a prompt without tokens
   */
  write(prompt: string, options: WriteOptions): AsyncGenerator<Piece, void> {
    return this.writeAll([prompt], options);
  }

  /**
   * As `write`, of as many prompts as `start` was told texts. Each is continued as it would be alone with the seed
   * `options.seed` + its number.
   */
  async *writeAll(prompts: readonly string[], options: WriteOptions): AsyncGenerator<Piece, void> {
    const { tokenizer } = this.#model;
    const texts = prompts.map(() => ({ stream: new TextStream(tokenizer), unsaid: 0 }));
    const tokens = prompts.map((prompt) => tokenizer.encode(utf8(prompt)));
    for await (const { text: of, token } of this.#tokens(tokens, options)) {
      const { stream } = texts[of]!;
      texts[of]!.unsaid++;
      const text = this.#stop.has(token) ? stream.rest() : stream.push(token);
      if (text === '') continue;
      yield { text, tokens: texts[of]!.unsaid, of };
      texts[of]!.unsaid = 0;
    }
    for (const [of, { stream, unsaid }] of texts.entries()) {
      const text = stream.rest();
      if (unsaid > 0) yield { text, tokens: unsaid, of };
    }
  }

  /** What a recorder of this text has seen, once it is written. */
  fingerprint(prompt: string, options: WriteOptions): Fingerprint {
    const { capacity, format: quantize } = this.#generator;
    const tokens = this.#model.tokenizer.encode(utf8(prompt));
    return options.recorder!.finish({ capacity, quantize, adapter: this.adapter }, tokens, options);
  }

  /** A recorder also sees what comes after the last token: what is drawn from that is dropped. */
  async *#tokens(prompts: readonly ArrayLike<number>[], options: WriteOptions): AsyncGenerator<WrittenToken, void> {
    const { recorder } = options;
    if (recorder === undefined) return yield* this.#generator.generateAll(prompts, { ...options, stop: this.#stop });
    if (prompts.length > 1)
      throw new LoomError('invalid_request', 'a fingerprint is of one text', { where: 'recorder' });
    const see = (logits: Float32Array): void => recorder.see(logits);
    const more = { ...options, tokens: options.tokens + 1, see };
    let isOver = false;
    for await (const written of this.#generator.generateAll(prompts, more)) {
      if (isOver) return;
      recorder.wrote(written.token);
      yield written;
      isOver = this.#stop.has(written.token) || recorder.tokens.length === options.tokens;
    }
  }

  close(): void {
    this.#generator.destroy();
    this.#device.destroy();
  }
}

/** The tokens that config.json or generation_config.json call the end of a text. */
async function endsOfText(read: ReadFile): Promise<ReadonlySet<number>> {
  const ids: unknown[] = [];
  for (const name of ['config.json', 'generation_config.json']) {
    const bytes = await read(name);
    const config = bytes && parseJson(name, new TextDecoder().decode(bytes));
    ids.push((config as { eos_token_id?: unknown } | null)?.eos_token_id);
  }
  return new Set(ids.flat().filter((id) => typeof id === 'number'));
}

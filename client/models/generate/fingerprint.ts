// The fingerprint of a text as a file, and checking one: the model runs over the text as in training, window by window as the
// writer saw it, and what each token was drawn from is compared (shared/verification/fingerprint.ts).

import { z } from 'zod';
import type { Device } from '../../../kernels/device/device.ts';
import type { Plan } from '../../../kernels/plan/plan.ts';
import type { QuantizedFormat } from '../../../kernels/quantize/format.ts';
import { counterUniform } from '../../../kernels/sampling/counter-random.ts';
import { drawToken } from '../../../kernels/sampling/sample.reference.ts';
import { fromHex, toHex } from '../../../shared/bytes.ts';
import { LoomError } from '../../../shared/errors.ts';
import {
  decodeMarks,
  encodeMarks,
  judgeFingerprint,
  markError,
  markOf,
} from '../../../shared/verification/fingerprint.ts';
import type { FingerprintVerdict, Mark } from '../../../shared/verification/fingerprint.ts';
import type { DecoderShape } from '../decoder.ts';
import { listDecoder } from '../decoder.ts';
import { windows } from '../sequence.ts';
import type { GenerateOptions } from './token-generator.ts';
import { decodePlan } from './decode-plans.ts';
import { weightsBuilder, weightValues } from './weights.ts';

const count = z.int().min(0);
const fingerprintSchema = z.strictObject({
  version: z.literal(1),
  prompt: z.array(count).min(1), // tokens
  tokens: z.array(count),
  sampling: z.strictObject({ temperature: z.number().min(0), topK: count, topP: z.number(), seed: count }),
  capacity: z.int().min(1), // positions that the writer could look back over
  quantize: z.enum(['int8', 'nf4']).nullable(),
  adapter: z.string(), // that wrote it, for people
  chunks: z.array(z.string().regex(/^([0-9a-f]{2})+$/)), // 192 bytes for 32 tokens
});

export type Fingerprint = z.infer<typeof fingerprintSchema>;

/** @throws LoomError `invalid_request` that names the first wrong field */
export function parseFingerprint(text: string): Fingerprint {
  const result = fingerprintSchema.safeParse(jsonOf(text));
  if (result.success) return result.data;
  const { message, path } = result.error.issues[0]!;
  const where = path.length === 0 ? {} : { where: path.join('.') };
  throw new LoomError('invalid_request', `this is no fingerprint: ${message}`, {
    ...where,
    allowed: 'what `loomos generate --fingerprint` wrote',
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Watches a writer. */
export class FingerprintRecorder {
  readonly tokens: number[] = [];
  readonly #marks: Mark[] = [];

  see(logits: Float32Array): void {
    this.#marks.push(markOf(logits));
  }

  wrote(token: number): void {
    this.tokens.push(token);
  }

  finish(
    writer: Pick<Fingerprint, 'capacity' | 'quantize' | 'adapter'>,
    prompt: ArrayLike<number>,
    { temperature, topK, topP, seed }: GenerateOptions,
  ): Fingerprint {
    const chunks = encodeMarks(this.#marks).map(toHex);
    const sampling = { temperature, topK, topP, seed };
    return { version: 1, prompt: Array.from(prompt), tokens: this.tokens, sampling, ...writer, chunks };
  }
}

/** A stretch of the text that a writer saw as one window. */
interface Stretch {
  readonly from: number; // token of prompt and text where the window begins
  readonly length: number; // tokens
  readonly row: number; // of the first token that was drawn in it
  readonly mark: number; // of that token
  readonly marks: number;
}

/** As TokenGenerator reads: the end of the prompt, and the later half anew whenever the cache is full. */
export function stretchesOf(prompt: number, marks: number, capacity: number): Stretch[] {
  const found: Stretch[] = [];
  for (let mark = 0; mark < marks; mark += found.at(-1)!.marks) {
    const seen = prompt + mark;
    const window = mark === 0 ? Math.min(prompt, capacity) : Math.ceil(capacity / 2);
    const drawn = Math.min(marks - mark, capacity - window + 1);
    found.push({ from: seen - window, length: window + drawn - 1, row: window - 1, mark, marks: drawn });
  }
  return found;
}

function windowPlan(shape: DecoderShape, time: number, format: QuantizedFormat | null): Plan {
  const builder = weightsBuilder(format);
  const tokens = builder.input('tokens', [1, time], 'u32');
  builder.readable(listDecoder(builder, shape, windows(builder, tokens)));
  return builder.finish();
}

/**
 * Whether this model wrote this text.
 * @param parameters the flat vector of the model's plans
 * @throws LoomError `invalid_request` for tokens or codes that cannot be this model's
 */
export async function checkFingerprint(
  device: Device,
  { shape, parameters }: { shape: DecoderShape; parameters: Float32Array },
  fingerprint: Fingerprint,
): Promise<FingerprintVerdict> {
  const { prompt, tokens, sampling, capacity, quantize } = fingerprint;
  const marks = decodeMarks(fingerprint.chunks.map(fromHex));
  const text = [...prompt, ...tokens];
  if (capacity > shape.context || text.some((token) => token >= shape.vocabulary) || !isWhole(marks, tokens, shape))
    return { finding: 'another model', alteredAt: null, medianError: Infinity };
  const stretches = stretchesOf(prompt.length, marks.length, capacity);
  const time = Math.max(...stretches.map(({ length }) => length));
  const program = await device.compile(windowPlan(shape, time, quantize));
  if (quantize === null) program.writeParameters(parameters);
  else
    for (const [name, data] of weightValues(decodePlan(shape, { capacity: 1 }), parameters, quantize))
      program.write(name, data);
  const errors: number[] = [];
  const redrawn: boolean[] = [];
  for (const { from, length, row, mark, marks: drawn } of stretches) {
    const window = new Uint32Array(time);
    window.set(text.slice(from, from + length));
    program.write('tokens', window);
    await program.run();
    const all = (await program.read('logits')) as Float32Array;
    for (let i = 0; i < drawn; i++) {
      const logits = all.subarray((row + i) * shape.vocabulary, (row + i + 1) * shape.vocabulary);
      errors.push(markError(marks[mark + i]!, logits));
      const token = tokens[mark + i];
      if (token !== undefined)
        redrawn.push(drawToken(logits, sampling, counterUniform(sampling.seed, mark + i)) === token);
    }
  }
  program.destroy();
  return judgeFingerprint(errors, redrawn);
}

/** A mark for each token, and where the writer was not interrupted one more. */
function isWhole(marks: readonly Mark[], tokens: readonly number[], { vocabulary }: DecoderShape): boolean {
  const hasAll = marks.length >= tokens.length && marks.length <= tokens.length + 1 && marks.length > 0;
  return hasAll && marks.every(({ index }) => index < vocabulary);
}

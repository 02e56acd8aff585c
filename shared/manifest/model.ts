// What a manifest may write as `model`: a decoder of its own, with random first weights, or a folder as Hugging Face lays
// it out, whose weights the job begins with. Sizes are checked here, so that no worker meets a model it cannot list.

import { z } from 'zod';

/** What an invocation of the attention kernel keeps. */
export const mostHeadSize = 128;

const sizes = {
  layers: z.int().min(1).max(96).default(4),
  heads: z.int().min(1).max(128).default(4),
  width: z.int().min(4).max(16384).default(64), // d_model
  context: z.int().min(2).max(8192).default(64), // tokens a window holds
  tokenizer: z.literal('bytes').default('bytes'),
};

const gpt = withHeads(
  z.strictObject({
    kind: z.literal('gpt'),
    ...sizes,
    positions: z.enum(['learned', 'rotary']).default('learned'),
    norm: z.enum(['layer', 'rms']).default('layer'),
  }),
);

const llama = withHeads(
  z.strictObject({
    kind: z.literal('llama'),
    ...sizes,
    kvHeads: z.int().min(1).max(128).optional(), // heads of keys and values, each shared by heads / kvHeads; default heads
    hidden: z.int().min(4).max(65536).optional(), // of the feed-forward layers; default 8/3 width, rounded up to 16
    ropeTheta: z.number().positive().max(1e9).default(10_000), // base of the rotary positions
  }),
).refine(({ heads, kvHeads }) => heads % (kvHeads ?? heads) === 0, {
  message: 'must divide heads',
  path: ['kvHeads'],
});

const pretrained = z.strictObject({
  kind: z.literal('pretrained').optional().default('pretrained'),
  // A folder with config.json, tokenizer.json and *.safetensors; submitted, it is packed into a dataset.
  from: z
    .string()
    .max(2048)
    .regex(/^(file:|dataset:)./, 'must begin with file: or dataset:'),
  context: z.int().min(2).max(8192).default(256), // tokens a window holds, at most the model's own
  bytes: z.int().min(1).optional(), // of the packed folder; set by the coordinator
});

export const modelSchema = z.discriminatedUnion('kind', [gpt, llama, pretrained]);

/** What losses are counted per: bytes are the tokens of every model but those that bring a tokenizer. */
export type LossUnit = 'byte' | 'token';

export function lossUnit(model: ModelSettings): LossUnit {
  return model.kind === 'pretrained' ? 'token' : 'byte';
}

export type ModelSettings = z.infer<typeof modelSchema>;
export type GptSettings = z.infer<typeof gpt>;
export type LlamaSettings = z.infer<typeof llama>;
export type PretrainedSettings = z.infer<typeof pretrained>;

function withHeads<T extends z.ZodType<{ width: number; heads: number }>>(schema: T): T {
  return schema
    .refine(({ width, heads }) => width % heads === 0, { message: 'must be a multiple of heads', path: ['width'] })
    .refine(({ width, heads }) => (width / heads) % 4 === 0, {
      message: 'width / heads must be a multiple of 4',
      path: ['width'],
    })
    .refine(({ width, heads }) => width / heads <= mostHeadSize, {
      message: `width / heads must be at most ${mostHeadSize}`,
      path: ['heads'],
    });
}

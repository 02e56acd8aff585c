import { expect, test } from 'vitest';
import * as ort from 'onnxruntime-web';
import { openCpu } from '../../../kernels/device/cpu.ts';
import { PlanBuilder } from '../../../kernels/plan/builder.ts';
import { expectClose } from '../../../kernels/testing/check.ts';
import { createRandom } from '../../../shared/random.ts';
import type { DecoderShape } from '../decoder.ts';
import { listDecoder } from '../decoder.ts';
import { toNamedArrays } from '../files/named-arrays.ts';
import { windows } from '../sequence.ts';
import { exportOnnx } from './export.ts';

ort.env.wasm.numThreads = 1;

const sizes = { layers: 2, heads: 4, width: 24, context: 20, vocabulary: 37 };
const shapes: Record<string, DecoderShape> = {
  'GPT, learned positions, LayerNorm': { ...sizes, kind: 'gpt', positions: 'learned', norm: 'layer' },
  'GPT, rotary positions, RMSNorm': { ...sizes, kind: 'gpt', positions: 'rotary', norm: 'rms' },
  'Llama, shared keys and values, biases': {
    ...sizes,
    kind: 'llama',
    kvHeads: 2,
    headSize: 6,
    hidden: 40,
    rotary: { base: 500 },
    epsilon: 1e-5,
    qkvBias: true,
    tied: false,
  },
  'Qwen3: normed heads of a size of their own': {
    ...sizes,
    kind: 'llama',
    kvHeads: 2,
    headSize: 10,
    hidden: 40,
    rotary: { base: 1e6 },
    epsilon: 1e-6,
    qkvBias: false,
    headNorm: true,
    tied: true,
  },
  'Llama, tied': {
    ...sizes,
    kind: 'llama',
    kvHeads: 4,
    headSize: 6,
    hidden: 40,
    rotary: { base: 10000 },
    epsilon: 1e-6,
    qkvBias: false,
    tied: true,
  },
};

test.each(Object.entries(shapes))(
  'onnxruntime-web has the logits of our forward pass: %s',
  { timeout: 120_000 },
  async (_, shape) => {
    let session: ort.InferenceSession | undefined;
    for (const [batch, time] of [
      [1, 20],
      [3, 7],
    ] as const) {
      const builder = new PlanBuilder();
      builder.readable(listDecoder(builder, shape, windows(builder, builder.input('tokens', [batch, time], 'u32'))));
      const plan = builder.finish();
      const random = createRandom(4);
      const flat = Float32Array.from({ length: plan.parameterCount }, () => 0.3 * random.normal());
      const tokens = Uint32Array.from({ length: batch * time }, () => random.below(shape.vocabulary));
      const program = await openCpu().compile(plan);
      program.writeParameters(flat);
      program.write('tokens', tokens);
      await program.run();

      session ??= await ort.InferenceSession.create(exportOnnx(shape, toNamedArrays(plan, flat)));
      const ids = new ort.Tensor('int64', BigInt64Array.from(tokens, BigInt), [batch, time]);
      const { logits } = await session.run({ input_ids: ids });
      expect(logits!.dims).toEqual([batch, time, shape.vocabulary]);
      expectClose((await logits!.getData()) as Float32Array, await program.read('logits'), 1e-4, `${batch} x ${time}`);
    }
  },
);

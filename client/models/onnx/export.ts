// A decoder as an ONNX file that onnxruntime and onnxruntime-web run: `input_ids` int64 [batch, time] -> `logits` [batch, time, V].
// Standard ops only; batch and time are free, time up to the model's context.

import type { Bytes } from '../../../shared/bytes.ts';
import type { DecoderShape } from '../decoder.ts';
import { gptHeads } from '../gpt.ts';
import type { GptShape } from '../gpt.ts';
import { llamaHeads } from '../llama.ts';
import type { LlamaShape } from '../llama.ts';
import type { NamedArray } from '../files/safetensors.ts';
import { OnnxGraph } from './graph.ts';
import { attention, gelu, layerNorm, listPositions, rmsNorm, rowsOf, swiglu } from './layers.ts';
import type { Positions } from './layers.ts';

/**
 * @param arrays the model's parameters under the names of its plan, from `toNamedArrays`
 * @throws LoomError `invalid_request` for a model of 2 GiB or more
 */
export function exportOnnx(shape: DecoderShape, arrays: readonly NamedArray[]): Bytes {
  const graph = new OnnxGraph();
  const weights = new Weights(graph, arrays);
  const tokens = graph.input('input_ids', 'int64', ['batch', 'time']);
  const positions = listPositions(graph, tokens);
  if (shape.kind === 'gpt') listGpt(graph, shape, weights, tokens, positions);
  else listLlama(graph, shape, weights, tokens, positions);
  graph.output('logits', ['batch', 'time', shape.vocabulary]);
  return graph.file(`${shape.kind} ${shape.layers}x${shape.width}`, 'loomos');
}

/** The model's arrays, put into the graph when a node asks for them. */
class Weights {
  readonly #graph: OnnxGraph;
  readonly #arrays: ReadonlyMap<string, NamedArray>;

  constructor(graph: OnnxGraph, arrays: readonly NamedArray[]) {
    this.#graph = graph;
    this.#arrays = new Map(arrays.map((array) => [array.name, array]));
  }

  get(name: string): string {
    const { shape, data } = this.#arrays.get(name)!;
    return this.#graph.floats(name, shape, data);
  }

  /** x W + b, W [in, out]. */
  plain(x: string, name: string): string {
    return this.#graph.node('Add', [
      this.#graph.node('MatMul', [x, this.get(`${name}.weight`)]),
      this.get(`${name}.bias`),
    ]);
  }

  /** x W^T, and + b where there is one, W [out, in]. @param output its name; a number without */
  transposed(x: string, name: string, output?: string): string {
    const matrix = this.#graph.node('Transpose', [this.get(`${name}.weight`)], { perm: [1, 0] });
    const product = this.#graph.node('MatMul', [x, matrix], {}, output);
    const bias = `${name}.bias`;
    return this.#arrays.has(bias) ? this.#graph.node('Add', [product, this.get(bias)]) : product;
  }
}

function listGpt(graph: OnnxGraph, shape: GptShape, weights: Weights, tokens: string, positions: Positions): void {
  const norm = (x: string, name: string): string => {
    const gain = weights.get(`${name}.weight`);
    return shape.norm === 'rms'
      ? rmsNorm(graph, x, gain, shape.epsilon ?? 1e-6)
      : layerNorm(graph, x, gain, weights.get(`${name}.bias`), shape.epsilon ?? 1e-5);
  };
  let x = graph.node('Gather', [weights.get('transformer.wte.weight'), tokens]); // [B, T, C]
  if (shape.positions === 'learned')
    x = graph.node('Add', [x, rowsOf(graph, weights.get('transformer.wpe.weight'), positions)]);
  for (let i = 0; i < shape.layers; i++) {
    const name = `transformer.h.${i}`;
    const qkv = weights.plain(norm(x, `${name}.ln_1`), `${name}.attn.c_attn`);
    const mixed = attention(graph, qkv, positions, gptHeads(shape), shape.context);
    x = graph.node('Add', [x, weights.plain(mixed, `${name}.attn.c_proj`)]);
    const wide = gelu(graph, weights.plain(norm(x, `${name}.ln_2`), `${name}.mlp.c_fc`));
    x = graph.node('Add', [x, weights.plain(wide, `${name}.mlp.c_proj`)]);
  }
  weights.transposed(norm(x, 'transformer.ln_f'), 'transformer.wte', 'logits');
}

function listLlama(graph: OnnxGraph, shape: LlamaShape, weights: Weights, tokens: string, positions: Positions): void {
  const norm = (x: string, name: string): string => rmsNorm(graph, x, weights.get(`${name}.weight`), shape.epsilon);
  let x = graph.node('Gather', [weights.get('model.embed_tokens.weight'), tokens]); // [B, T, C]
  for (let i = 0; i < shape.layers; i++) {
    const name = `model.layers.${i}`;
    const qkv = weights.transposed(norm(x, `${name}.input_layernorm`), `${name}.self_attn.qkv_proj`);
    const gain = (part: string): string => weights.get(`${name}.self_attn.${part}_norm.weight`);
    const norms = shape.headNorm ? { query: gain('q'), key: gain('k'), epsilon: shape.epsilon } : undefined;
    const mixed = attention(graph, qkv, positions, llamaHeads(shape), shape.context, norms);
    x = graph.node('Add', [x, weights.transposed(mixed, `${name}.self_attn.o_proj`)]);
    const both = weights.transposed(norm(x, `${name}.post_attention_layernorm`), `${name}.mlp.gate_up_proj`);
    x = graph.node('Add', [x, weights.transposed(swiglu(graph, both, shape.hidden), `${name}.mlp.down_proj`)]);
  }
  weights.transposed(norm(x, 'model.norm'), shape.tied ? 'model.embed_tokens' : 'lm_head', 'logits');
}

// The parts of decoders as ONNX nodes. Rows are [B, T, C]; B and T are whatever comes in. H heads of queries share K heads of keys
// and values, D elements each.

import type { AttentionHeads } from '../sequence.ts';
import { rotaryAngles } from '../../../kernels/rotary/angles.ts';
import type { Rotary } from '../../../kernels/rotary/angles.ts';
import type { OnnxGraph } from './graph.ts';

/** What depends on the number of positions alone: once a model. */
export interface Positions {
  readonly time: string; // int64 [1]: T
  readonly mask: string; // [T, T]: 0 for what a position sees, else so low that its weight is 0
}

const unseen = -1e30;

/** @param tokens int64 [B, T] */
export function listPositions(graph: OnnxGraph, tokens: string): Positions {
  const shape = graph.node('Shape', [tokens]);
  const time = graph.node('Slice', [shape, graph.shape(1), graph.shape(2)]);
  const one = graph.node('Squeeze', [time, graph.shape(0)]);
  const numbers = graph.node('Range', [graph.integer(0), one, graph.integer(1)]);
  const keys = graph.node('Unsqueeze', [numbers, graph.shape(0)]); // [1, T]
  const queries = graph.node('Unsqueeze', [numbers, graph.shape(1)]); // [T, 1]
  const sees = graph.node('LessOrEqual', [keys, queries]);
  return { time, mask: graph.node('Where', [sees, graph.scalar(0), graph.scalar(unseen)]) };
}

/** The first T rows of a table. */
export function rowsOf(graph: OnnxGraph, table: string, { time }: Positions): string {
  return graph.node('Slice', [table, graph.shape(0), time, graph.shape(0)]);
}

/** @param bias [C] or null for none */
export function layerNorm(graph: OnnxGraph, x: string, gain: string, bias: string, epsilon: number): string {
  return graph.node('LayerNormalization', [x, gain, bias], { epsilon: { float: epsilon } });
}

/** @param axis the last one of x */
export function rmsNorm(graph: OnnxGraph, x: string, gain: string, epsilon: number, axis = 2): string {
  const square = graph.node('ReduceMean', [graph.node('Mul', [x, x])], { axes: [axis], keepdims: 1 });
  const root = graph.node('Sqrt', [graph.node('Add', [square, graph.scalar(epsilon)])]);
  return graph.node('Mul', [graph.node('Div', [x, root]), gain]);
}

/** GELU in the tanh form of GPT-2. */
export function gelu(graph: OnnxGraph, x: string): string {
  const cube = graph.node('Mul', [graph.node('Mul', [x, x]), x]);
  const bent = graph.node('Add', [x, graph.node('Mul', [cube, graph.scalar(0.044715)])]);
  const tanh = graph.node('Tanh', [graph.node('Mul', [bent, graph.scalar(Math.sqrt(2 / Math.PI))])]);
  const gate = graph.node('Mul', [graph.node('Add', [tanh, graph.scalar(1)]), graph.scalar(0.5)]);
  return graph.node('Mul', [x, gate]);
}

/** SiLU(gate) * value of rows that are F gates and F values. */
export function swiglu(graph: OnnxGraph, x: string, hidden: number): string {
  const [gate, value] = graph.split(x, [hidden, hidden], 2) as [string, string];
  return graph.node('Mul', [graph.node('Mul', [gate, graph.node('Sigmoid', [gate])]), value]);
}

/** RMSNorm of each head of q and k, before they are turned. */
export interface HeadNorms {
  readonly query: string; // [D]
  readonly key: string; // [D]
  readonly epsilon: number;
}

/** Causal attention over a fused qkv [B, T, (H + 2 K) D] -> [B, T, H D], q and k turned by position where the model does so. */
export function attention(
  graph: OnnxGraph,
  qkv: string,
  positions: Positions,
  { heads, kvHeads, headSize, rotary }: AttentionHeads,
  context: number,
  norms?: HeadNorms,
): string {
  const [q, k, v] = graph.split(qkv, [heads * headSize, kvHeads * headSize, kvHeads * headSize], 2) as [
    string,
    string,
    string,
  ];
  const turn = (x: string): string =>
    rotary === null ? x : turned(graph, x, positions, { headSize, context, rotary });
  const normed = (x: string, part: 'query' | 'key'): string =>
    norms ? rmsNorm(graph, x, norms[part], norms.epsilon, 3) : x;
  const query = turn(normed(byHead(graph, q, heads, headSize), 'query')); // [B, H, T, D]
  const key = shared(graph, turn(normed(byHead(graph, k, kvHeads, headSize), 'key')), heads, kvHeads, headSize);
  const value = shared(graph, byHead(graph, v, kvHeads, headSize), heads, kvHeads, headSize);
  const products = graph.node('MatMul', [query, graph.node('Transpose', [key], { perm: [0, 1, 3, 2] })]);
  const scores = graph.node('Mul', [products, graph.scalar(1 / Math.sqrt(headSize))]);
  const weights = graph.node('Softmax', [graph.node('Add', [scores, positions.mask])], { axis: 3 });
  const mixed = graph.node('Transpose', [graph.node('MatMul', [weights, value])], { perm: [0, 2, 1, 3] });
  return graph.node('Reshape', [mixed, graph.shape(0, 0, heads * headSize)]);
}

/** [B, T, N D] -> [B, N, T, D] */
function byHead(graph: OnnxGraph, x: string, heads: number, headSize: number): string {
  return graph.node('Transpose', [graph.node('Reshape', [x, graph.shape(0, 0, heads, headSize)])], {
    perm: [0, 2, 1, 3],
  });
}

/** [B, K, T, D] -> [B, H, T, D]: each head of keys or values once for every head of queries that uses it. */
function shared(graph: OnnxGraph, x: string, heads: number, kvHeads: number, headSize: number): string {
  if (heads === kvHeads) return x;
  const apart = graph.node('Unsqueeze', [x, graph.shape(2)]); // [B, K, 1, T, D]
  const tiled = graph.node('Tile', [apart, graph.shape(1, 1, heads / kvHeads, 1, 1)]);
  const flat = graph.node('Transpose', [tiled], { perm: [0, 3, 1, 2, 4] }); // [B, T, K, H / K, D]
  return byHead(graph, graph.node('Reshape', [flat, graph.shape(0, 0, heads * headSize)]), heads, headSize);
}

/** Element i of a head together with element i + D/2, by the angle of the position. @param x [B, N, T, D] */
function turned(
  graph: OnnxGraph,
  x: string,
  positions: Positions,
  { headSize, context, rotary }: { headSize: number; context: number; rotary: Rotary },
): string {
  const half = headSize / 2;
  const angles = rotaryAngles(context, headSize, rotary); // [context, D/2, 2]
  const table = (name: string, part: 0 | 1): string => {
    const values = Float32Array.from({ length: context * half }, (_, i) => angles[2 * i + part]!);
    return rowsOf(graph, graph.floats(name, [context, half], values), positions); // [T, D/2]
  };
  const [cosine, sine] = [table('rotary.cosine', 0), table('rotary.sine', 1)];
  const [first, second] = graph.split(x, [half, half], 3) as [string, string];
  const product = (a: string, b: string): string => graph.node('Mul', [a, b]);
  const left = graph.node('Sub', [product(first, cosine), product(second, sine)]);
  const right = graph.node('Add', [product(second, cosine), product(first, sine)]);
  return graph.node('Concat', [left, right], { axis: 3 });
}

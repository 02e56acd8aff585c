// Causal multi-head self-attention in plain TypeScript: the truth the WGSL and the fast CPU path are held against.
// A row of qkv [B * T, 3 C] holds q, k and v one after the other, each with its H heads of D = C / H elements in order.
// Attention: Vaswani et al. 2017 (arXiv:1706.03762). Saved logsumexp instead of a T x T matrix: Dao et al. 2022 (arXiv:2205.14135).

export interface AttentionShape {
  readonly batch: number; // B
  readonly time: number; // T
  readonly heads: number; // H
  readonly headSize: number; // D
  readonly scale: number; // of the scores, 1 / sqrt(D) as a rule
}

/** Writes out [B * T, C] and the logsumexp of each query's scaled scores [B, H, T]. */
export function attend(qkv: Float32Array, out: Float32Array, logsumexp: Float32Array, shape: AttentionShape): void {
  const weights = new Float64Array(shape.time);
  forEachQuery(shape, (head, t, query) => {
    logsumexp[query] = softmaxOfScores(qkv, head, t, weights, shape);
    const to = head.row(t) * head.width + head.offset;
    for (let d = 0; d < shape.headSize; d++) {
      let sum = 0;
      for (let past = 0; past <= t; past++) sum += weights[past]! * qkv[head.value(past) + d]!;
      out[to + d] = sum;
    }
  });
}

/** Writes the gradient of qkv [B * T, 3 C], from the gradient of out [B * T, C]. */
export function attendGradient(
  qkv: Float32Array,
  gradient: Float32Array,
  out: Float32Array,
  shape: AttentionShape,
): void {
  const { time, headSize, scale } = shape;
  const weights = new Float64Array(time);
  const slopes = new Float64Array(time); // of the weights, then of the scores
  out.fill(0);
  forEachQuery(shape, (head, t) => {
    softmaxOfScores(qkv, head, t, weights, shape);
    const from = head.row(t) * head.width + head.offset;
    let mean = 0;
    for (let past = 0; past <= t; past++) {
      slopes[past] = dot(gradient, from, qkv, head.value(past), headSize);
      mean += weights[past]! * slopes[past]!;
    }
    for (let past = 0; past <= t; past++) {
      const slope = weights[past]! * (slopes[past]! - mean) * scale;
      addScaled(out, head.query(t), qkv, head.key(past), slope, headSize);
      addScaled(out, head.key(past), qkv, head.query(t), slope, headSize);
      addScaled(out, head.value(past), gradient, from, weights[past]!, headSize);
    }
  });
}

/** Where one head of one sequence lies. */
interface Head {
  readonly width: number; // C
  readonly offset: number; // of the head in a part of width C
  row(t: number): number;
  query(t: number): number;
  key(t: number): number;
  value(t: number): number;
}

function forEachQuery(shape: AttentionShape, visit: (head: Head, t: number, query: number) => void): void {
  for (let b = 0; b < shape.batch; b++) {
    for (let h = 0; h < shape.heads; h++) {
      const head = headOf(shape, b, h);
      for (let t = 0; t < shape.time; t++) visit(head, t, (b * shape.heads + h) * shape.time + t);
    }
  }
}

function headOf({ time, heads, headSize }: AttentionShape, b: number, h: number): Head {
  const width = heads * headSize;
  const offset = h * headSize;
  const row = (t: number): number => b * time + t;
  const part = (t: number, index: number): number => (3 * row(t) + index) * width + offset;
  return { width, offset, row, query: (t) => part(t, 0), key: (t) => part(t, 1), value: (t) => part(t, 2) };
}

/** Fills weights[0..t] with the softmax of query t's scores over its past and itself, and returns their logsumexp. */
function softmaxOfScores(
  qkv: Float32Array,
  head: Head,
  t: number,
  weights: Float64Array,
  { headSize, scale }: AttentionShape,
): number {
  let highest = -Infinity;
  for (let past = 0; past <= t; past++) {
    weights[past] = dot(qkv, head.query(t), qkv, head.key(past), headSize) * scale;
    highest = Math.max(highest, weights[past]!);
  }
  let sum = 0;
  for (let past = 0; past <= t; past++) sum += weights[past] = Math.exp(weights[past]! - highest);
  for (let past = 0; past <= t; past++) weights[past] = weights[past]! / sum;
  return highest + Math.log(sum);
}

function dot(a: Float32Array, at: number, b: Float32Array, bAt: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d++) sum += a[at + d]! * b[bAt + d]!;
  return sum;
}

function addScaled(
  out: Float32Array,
  to: number,
  from: Float32Array,
  at: number,
  factor: number,
  length: number,
): void {
  for (let d = 0; d < length; d++) out[to + d] = out[to + d]! + factor * from[at + d]!;
}

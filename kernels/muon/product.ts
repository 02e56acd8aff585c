// Muon's products of stacks: X X^T, Newton-Schulz's polynomial of a Gram matrix, and its product with X.

import { muonProduct as registerWgsl } from '../generated/muon-product.ts';
import { muonProductTiled as tiledWgsl } from '../generated/muon-product-tiled.ts';
import { muonScale as scaleWgsl } from '../generated/muon-scale.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectTensor } from '../plan/expect.ts';
import type { CpuPath, Kernel, Op, Tensor, View } from '../plan/op.ts';

/** aI + bG + cG^2, five times: Jordan et al. 2024, kellerjordan.github.io/posts/muon. muon-product.wgsl has the same. */
const polynomialOf = { identity: 3.4445, linear: -4.775, square: 2.0315 };

/** gram: X X^T. polynomial: of the Gram matrix, given twice. apply: P X. */
type Kind = 'gram' | 'polynomial' | 'apply';

/**
 * [left [batch, m, k], right [batch, n, k], or [batch, k, n] for `apply`, scales? [batch]] -> [[batch, m, n]]; attribute `kind`.
 * Scales multiply X: right for `apply`; a polynomial's Gram matrix is multiplied by their squares.
 */
export const stackProduct: Kernel = {
  name: 'muonProduct',
  infer(inputs, { kind }) {
    const { batch, m, n, k } = sizesOf({ inputs, attributes: { kind: kind! } });
    expect('muonProduct', kind === 'gram' || kind === 'polynomial' || kind === 'apply', `the kind ${kind}`);
    expectTensor('muonProduct', inputs[1], kind === 'apply' ? [batch, k, n] : [batch, n, k]);
    if (inputs[2]) expectTensor('muonProduct', inputs[2], [batch]);
    return [{ shape: [batch, m, n], dtype: 'f32' }];
  },
  dispatches(op, traits) {
    const [left, right, scales] = op.inputs as [Tensor, Tensor, Tensor?];
    const { kind, batch, m, n, k } = sizesOf(op);
    const tensors = { left, right, scales: scales ?? left, out: op.outputs[0]! };
    const flags = { transposes: kind !== 'apply', polynomial: kind === 'polynomial', scaled: scales !== undefined };
    const wgsl = traits.isCpu ? registerWgsl : tiledWgsl;
    const size = traits.isCpu ? 32 : 64;
    const workgroups = [Math.ceil(n / size), Math.ceil(m / size), batch] as const;
    return [dispatch(wgsl, { entryPoint: 'product', tensors, constants: { m, n, k, ...flags }, workgroups })];
  },
  reference(inputs, [out], op) {
    const [left, right, scales] = inputs as [View, View, View?];
    const { kind, batch, m, n, k } = sizesOf(op);
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let total = 0;
          for (let p = 0; p < k; p++) {
            total += left[(b * m + i) * k + p]! * right[b * k * n + (kind === 'apply' ? p * n + j : j * k + p)]!;
          }
          out![(b * m + i) * n + j] = total;
        }
      }
    }
    finish(out!, left, scales, op);
  },
  cpu: productCpu(),
};

function productCpu(): CpuPath {
  return {
    run(inputs, [out], op, wasm) {
      const [left, right, scales] = inputs as [View, View, View?];
      const { kind, batch, m, n, k } = sizesOf(op);
      const transposeB = kind !== 'apply';
      for (let b = 0; b < batch; b++) {
        wasm.gemm({
          m,
          n,
          k,
          transposeB,
          lda: k,
          ldb: transposeB ? k : n,
          ldc: n,
          a: left.byteOffset + 4 * b * m * k,
          b: right.byteOffset + 4 * b * k * n,
          c: out!.byteOffset + 4 * b * m * n,
        });
      }
      finish(out!, left, scales, op);
    },
  };
}

/** Applies scales and polynomial to the plain products. */
function finish(out: View, left: View, scales: View | undefined, op: Op): void {
  const { kind, batch, m, n } = sizesOf(op);
  const { identity, linear, square } = polynomialOf;
  for (let b = 0; b < batch; b++) {
    const scale = scales ? scales[b]! : 1;
    const [first, end] = [b * m * n, (b + 1) * m * n];
    if (kind === 'apply' && scale !== 1) for (let at = first; at < end; at++) out[at] = out[at]! * scale;
    if (kind !== 'polynomial') continue;
    const [ofSquare, ofLinear] = [square * scale ** 4, linear * scale ** 2];
    for (let at = first; at < end; at++) out[at] = ofSquare * out[at]! + ofLinear * left[at]!;
    for (let i = 0; i < m; i++) out[first + i * n + i] = out[first + i * n + i]! + identity;
  }
}

function sizesOf({ inputs, attributes }: Pick<Op, 'inputs' | 'attributes'>) {
  const kind = attributes['kind'] as Kind;
  const [batch, m, k] = inputs[0]!.shape as [number, number, number];
  return { kind, batch, m, k, n: inputs[1]!.shape[kind === 'apply' ? 2 : 1]! };
}

/** [Gram matrices [batch, m, m]] -> [1 / (Frobenius norm + 1e-7) of their X [batch]]. */
export const stackScale: Kernel = {
  name: 'muonScale',
  infer([grams]) {
    const [batch, m] = grams!.shape as [number, number];
    expectTensor('muonScale', grams, [batch, m, m]);
    return [{ shape: [batch], dtype: 'f32' }];
  },
  dispatches({ inputs, outputs }, traits) {
    const [matrices, rows] = inputs[0]!.shape as [number, number];
    return [
      dispatch(scaleWgsl, {
        entryPoint: 'scale',
        tensors: { grams: inputs[0]!, scales: outputs[0]! },
        constants: { matrices, rows },
        workgroups: linearWorkgroups(matrices, 64, traits),
      }),
    ];
  },
  reference([grams], [scales], { inputs }) {
    const [batch, rows] = inputs[0]!.shape as [number, number];
    for (let b = 0; b < batch; b++) {
      let trace = 0;
      for (let i = 0; i < rows; i++) trace += grams![(b * rows + i) * rows + i]!;
      scales![b] = 1 / (Math.sqrt(trace) + 1e-7);
    }
  },
};

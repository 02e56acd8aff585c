// The CPU backend's product: WebAssembly SIMD, the epilogue in passes over the result.

import type { CpuPath, View } from '../plan/op.ts';
import { runSwiglu } from '../elementwise/swiglu.ts';
import { epilogueOf } from './epilogue.ts';
import { multiplySlopes } from './gated.ts';
import { layoutOf, productOf } from './product.ts';

export const matmulCpu: CpuPath = {
  run(inputs, outputs, op, wasm) {
    const [a, b] = inputs as [View, View];
    const [c, second] = outputs as [View, View?];
    const { m, n, k } = productOf(op);
    const layout = layoutOf(op.attributes);
    const { bias, extra, extraIs, secondIs } = epilogueOf(op, inputs);
    if (bias) for (let row = 0; row < m; row++) c.set(bias, row * n);
    wasm.gemm({
      m,
      n,
      k,
      a: a.byteOffset,
      lda: layout === 'tn' ? m : k,
      transposeA: layout === 'tn',
      b: b.byteOffset,
      ldb: layout === 'nt' ? k : n,
      transposeB: layout === 'nt',
      c: c.byteOffset,
      ldc: n,
      accumulate: bias !== undefined,
    });
    if (extraIs === 'slope') wasm.geluGradient(extra!.byteOffset, c.byteOffset, c.byteOffset, m * n);
    if (extraIs === 'gates') multiplySlopes(extra!, c, op, wasm);
    if (extraIs === 'add') wasm.add(extra!.byteOffset, c.byteOffset, c.byteOffset, m * n);
    if (secondIs === 'gelu') wasm.gelu(c.byteOffset, second!.byteOffset, m * n);
    if (secondIs === 'swiglu') runSwiglu(c, second!, op.outputs[0]!, wasm);
    if (secondIs === 'columnSum') wasm.columnSum(b.byteOffset, k, n, second!.byteOffset);
  },
};

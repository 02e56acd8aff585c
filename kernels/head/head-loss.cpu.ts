// The CPU backend's LM head with cross-entropy: a few rows of logits at a time, which become their own gradient in place.

import type { CpuPath, Op, View } from '../plan/op.ts';
import type { Wasm } from '../wasm/wasm.ts';

const chunkRows = 64;

export const headLossCpu: CpuPath = {
  scratch: scratchOf,
  run(inputs, outputs, op, wasm, scratch) {
    const targets = inputs[2]!;
    const [loss, weight, logsumexps] = outputs as [View, View, View];
    const vocabulary = op.inputs[1]!.shape[0]!;
    let total = 0;
    let counted = 0;
    forEachChunk(inputs, op, wasm, scratch, (first, rows) => {
      for (let row = first; row < first + rows; row++) {
        const logits = scratch.subarray((row - first) * vocabulary, (row - first + 1) * vocabulary);
        const target = targets[row]!;
        const wanted = target < vocabulary ? logits[target]! : 0;
        const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
        const lse = highest + Math.log(wasm.exponentials(logits.byteOffset, vocabulary, highest));
        logsumexps[row] = lse;
        if (target >= vocabulary) continue;
        total += lse - wanted;
        counted++;
      }
    });
    weight[0] = counted === 0 ? 0 : 1 / counted;
    loss[0] = counted === 0 ? 0 : total / counted;
  },
};

export const headLossGradientCpu: CpuPath = {
  scratch: scratchOf,
  run(inputs, outputs, op, wasm, scratch) {
    const [x, table, targets, weight, logsumexps, gradient] = inputs as [View, View, View, View, View, View];
    const [dx, dTable] = outputs as [View, View?];
    const [n, k] = op.inputs[1]!.shape as [number, number];
    const factor = weight[0]! * gradient[0]!;
    forEachChunk(inputs, op, wasm, scratch, (first, rows) => {
      for (let row = 0; row < rows; row++) {
        const logits = scratch.subarray(row * n, (row + 1) * n);
        const target = targets[first + row]!;
        wasm.exponentials(logits.byteOffset, n, logsumexps[first + row]!);
        for (let v = 0; v < n; v++) logits[v] = target < n ? logits[v]! * factor : 0;
        if (target < n) logits[target] = logits[target]! - factor;
      }
      const at = 4 * first * k;
      const slopes = scratch.byteOffset;
      wasm.gemm({ m: rows, n: k, k: n, a: slopes, lda: n, b: table.byteOffset, ldb: k, c: dx.byteOffset + at, ldc: k });
      if (!dTable) return;
      const accumulate = first > 0;
      const product = { m: n, n: k, k: rows, a: slopes, lda: n, transposeA: true, b: x.byteOffset + at, ldb: k };
      wasm.gemm({ ...product, c: dTable.byteOffset, ldc: k, accumulate });
    });
  },
};

function scratchOf({ inputs }: Op): number {
  return Math.min(chunkRows, inputs[0]!.shape[0]!) * inputs[1]!.shape[0]!;
}

/** Fills scratch with the logits of a few rows after the other. */
function forEachChunk(
  [x, table]: readonly View[],
  op: Op,
  wasm: Wasm,
  scratch: Float32Array,
  visit: (first: number, rows: number) => void,
): void {
  const [all, k] = op.inputs[0]!.shape as [number, number];
  const n = op.inputs[1]!.shape[0]!;
  for (let first = 0; first < all; first += chunkRows) {
    const m = Math.min(chunkRows, all - first);
    const a = x!.byteOffset + 4 * first * k;
    const b = table!.byteOffset;
    wasm.gemm({ m, n, k, a, lda: k, b, ldb: k, transposeB: true, c: scratch.byteOffset, ldc: n });
    visit(first, m);
  }
}

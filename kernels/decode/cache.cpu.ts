// The CPU backend's attention over a cache: two products with one row a head of a text.

import type { CpuPath, View } from '../plan/op.ts';
import { cursorSize } from './cursor.ts';
import { cacheShape, turnedElement } from './cache.reference.ts';

export const cacheAttentionCpu: CpuPath = {
  scratch(op) {
    const { headSize, capacity } = cacheShape(op);
    return headSize + capacity;
  },
  run(inputs, [out], op, wasm, scratch) {
    const [qkv, cursor, keys, values, angles] = inputs as [View, View, View, View, View?];
    const { rows, heads, kvHeads, headSize, capacity, scale, turns } = cacheShape(op);
    const query = scratch.subarray(0, headSize);
    for (let place = 0; place < rows * heads; place++) {
      const [text, head] = [Math.floor(place / heads), place % heads];
      const position = Math.min(cursor[text * cursorSize + 1]!, capacity - 1);
      const weights = scratch.subarray(headSize, headSize + position + 1);
      const shared = Math.floor((head * kvHeads) / heads);
      const from = (text * (heads + 2 * kvHeads) + head) * headSize;
      for (let d = 0; d < headSize; d++)
        query[d] = turnedElement(qkv, from, d, turns ? angles! : null, position, headSize) * scale;
      const at = { m: 1, lda: 0, ldc: 0 };
      const keyPointer = keys.byteOffset + 4 * (text * kvHeads + shared) * headSize * capacity;
      const scores = { n: position + 1, k: headSize, b: keyPointer, ldb: capacity };
      wasm.gemm({ ...at, ...scores, a: query.byteOffset, c: weights.byteOffset });
      const highest = weights.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = wasm.exponentials(weights.byteOffset, position + 1, highest);
      for (let t = 0; t <= position; t++) weights[t] = weights[t]! / total;
      const valuePointer = values.byteOffset + 4 * (text * capacity * kvHeads + shared) * headSize;
      const sums = { n: headSize, k: position + 1, b: valuePointer, ldb: kvHeads * headSize };
      wasm.gemm({ ...at, ...sums, a: weights.byteOffset, c: out!.byteOffset + 4 * place * headSize });
    }
  },
};

// The sum of a matrix over its rows: the gradient of a bias.

import { columnSum as module } from '../generated/column-sum.ts';
import { dispatch } from '../plan/dispatch.ts';
import type { Kernel } from '../plan/op.ts';
import { columnSumReference } from './column-sum.reference.ts';
import { matrixOf } from './product.ts';

/** [.., N] -> [N], the sum over all leading dimensions. No gradient of its own. */
export const columnSum: Kernel = {
  name: 'columnSum',
  infer: ([matrix]) => [{ shape: [matrixOf(matrix!)[1]], dtype: 'f32' }],
  dispatches({ inputs: [matrix], outputs: [out] }, { isCpu }) {
    const [rows, columns] = matrixOf(matrix!);
    return [
      dispatch(module, {
        entryPoint: isCpu ? 'column_by_column' : 'strips',
        tensors: { matrix: matrix!, out: out! },
        constants: { rows, columns },
        workgroups: [Math.ceil(columns / (isCpu ? 64 : 16)), 1, 1],
      }),
    ];
  },
  reference: columnSumReference,
  cpu: {
    run([matrix], [out], op, wasm) {
      const [rows, columns] = matrixOf(op.inputs[0]!);
      wasm.columnSum(matrix!.byteOffset, rows, columns, out!.byteOffset);
    },
  },
};

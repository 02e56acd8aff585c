import { test } from 'vitest';
import { checkKernel } from '../testing/check.ts';
import { stackProduct, stackScale } from './product.ts';

test.each([
  { batch: 1, rows: 1, columns: 1 },
  { batch: 3, rows: 5, columns: 9 },
  { batch: 2, rows: 67, columns: 70 },
])('products of stacks, %o', async ({ batch, rows, columns }) => {
  const [x, gram, scales] = [[batch, rows, columns], [batch, rows, rows], [batch]].map((shape) => ({ shape }));
  await checkKernel({ kernel: stackProduct, inputs: [x!, x!], attributes: { kind: 'gram' } });
  await checkKernel({ kernel: stackProduct, inputs: [gram!, x!], attributes: { kind: 'apply' } });
  await checkKernel({ kernel: stackProduct, inputs: [gram!, x!, scales!], attributes: { kind: 'apply' } });
  const data = symmetric(batch, rows);
  const inputs = [
    { shape: [batch, rows, rows], data },
    { shape: [batch, rows, rows], data },
  ];
  await checkKernel({ kernel: stackProduct, inputs, attributes: { kind: 'polynomial' } });
  await checkKernel({ kernel: stackProduct, inputs: [...inputs, scales!], attributes: { kind: 'polynomial' } });
  await checkKernel({ kernel: stackScale, inputs: [{ shape: [batch, rows, rows], data: data.map(Math.abs) }] });
});

/** A Gram matrix is symmetric, and the kernels rely on it. */
function symmetric(batch: number, rows: number): number[] {
  return Array.from({ length: batch * rows * rows }, (_, at) => {
    const [i, j] = [Math.floor(at / rows) % rows, at % rows];
    return (((i + j) * 37 + i * j * 11) % 101) / 50 - 1;
  });
}

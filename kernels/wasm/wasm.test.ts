import { expect, test } from 'vitest';
import { createRandom } from '../../shared/random.ts';
import { expectClose } from '../testing/check.ts';
import type { Gemm, Wasm } from './wasm.ts';
import { openWasm } from './wasm.ts';

const random = createRandom(7);

function vector(wasm: Wasm, elements: number): { pointer: number; view: () => Float32Array } {
  const pointer = wasm.allocate(elements * 4);
  const view = () => new Float32Array(wasm.memory.buffer, pointer, elements);
  view().set(Array.from({ length: elements }, () => random.normal()));
  return { pointer, view };
}

/** What gemm must compute, in float64. */
function plainGemm(
  { m, n, k, lda, ldb, ldc, ...call }: Gemm,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
): number[] {
  const expected = Array.from(c);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let total = call.accumulate ? c[i * ldc + j]! : 0;
      for (let p = 0; p < k; p++) {
        total += a[call.transposeA ? p * lda + i : i * lda + p]! * b[call.transposeB ? j * ldb + p : p * ldb + j]!;
      }
      expected[i * ldc + j] = total;
    }
  }
  return expected;
}

const sizes = [
  [1, 1, 1],
  [1, 23, 30],
  [1, 2, 5],
  [4, 8, 4],
  [5, 9, 7],
  [3, 300, 270],
  [130, 17, 513],
  [7, 24, 30],
] as const;
const modes = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) => [false, true].map((accumulate) => ({ transposeA, transposeB, accumulate }))),
);

test.each(sizes)('gemm of %i x %i x %i inside larger matrices, in every mode', async (m, n, k) => {
  for (const [relaxed, mode] of [true, false].flatMap((relaxed) => modes.map((mode) => [relaxed, mode] as const))) {
    const wasm = await openWasm({ relaxed });
    const [lda, ldb, ldc] = [(mode.transposeA ? m : k) + 3, (mode.transposeB ? k : n) + 5, n + 2];
    const a = vector(wasm, (mode.transposeA ? k : m) * lda);
    const b = vector(wasm, (mode.transposeB ? n : k) * ldb);
    const c = vector(wasm, m * ldc);
    const call = { m, n, k, a: a.pointer, lda, b: b.pointer, ldb, c: c.pointer, ldc, ...mode };
    const expected = plainGemm(call, a.view(), b.view(), c.view());
    wasm.gemm(call);
    expectClose(c.view(), expected, 1e-6, JSON.stringify(mode)); // what lies between the rows of C is untouched
  }
});

test('exponentials sum what they write, and touch nothing else', async () => {
  const wasm = await openWasm();
  const { pointer, view } = vector(wasm, 40);
  const before = Array.from(view());
  const sum = wasm.exponentials(pointer, 37, -2.5);
  const expected = before.map((x, i) => (i < 37 ? Math.exp(x + 2.5) : x));
  expectClose(view(), expected, 3e-7, 'exponentials');
  expect(sum).toBeCloseTo(
    expected.slice(0, 37).reduce((total, x) => total + x, 0),
    3,
  );
});

test('exponentials of large, small and missing numbers', async () => {
  const wasm = await openWasm();
  const { pointer, view } = vector(wasm, 5);
  view().set([80, -80, -Infinity, NaN, 0]);
  wasm.exponentials(pointer, 5, 0);
  expect(view()[0]! / Math.exp(80)).toBeCloseTo(1, 4);
  expect(view()[1]! / Math.exp(-80)).toBeCloseTo(1, 4);
  expect(view()[2]).toBeLessThan(1e-37);
  expect(view()[3]).toBeNaN();
  expect(view()[4]).toBe(1);
});

test('rows of a softmax and of its gradient, with a rest that is no whole vector', async () => {
  const wasm = await openWasm();
  const [x, weights] = [vector(wasm, 40), vector(wasm, 40)];
  const [before, factors] = [Array.from(x.view()), Array.from(weights.view())];
  const highest = wasm.scaleRow(x.pointer, 37, 0.5);
  const scaled = before.map((value, i) => (i < 37 ? value / 2 : value));
  expectClose(x.view(), scaled, 1e-7, 'scaled');
  expect(highest).toBe(Math.max(...x.view().slice(0, 37)));
  wasm.softmaxGradientRow(weights.pointer, x.pointer, 37, 0.25, 3);
  const slopes = scaled.map((value, i) => (i < 37 ? factors[i]! * (value - 0.25) * 3 : value));
  expectClose(x.view(), slopes, 1e-6, 'slopes');
});

test('more memory than WebAssembly has is refused', async () => {
  const wasm = await openWasm();
  expect(() => wasm.allocate(2 ** 33)).toThrow('MiB of WebAssembly memory');
});

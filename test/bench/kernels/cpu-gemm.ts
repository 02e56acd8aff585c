// GFLOP/s of the CPU backend's matrix product on one core, for the products of one training step of a GPT with 4 layers, width 64
// and 512 tokens a step. Prints medians. Run: node test/bench/kernels/cpu-gemm.ts

import { openWasm } from '../../../kernels/wasm/wasm.ts';

const shapes = [
  { name: 'attention in, nn', m: 512, n: 192, k: 64 },
  { name: 'attention out, nn', m: 512, n: 64, k: 64 },
  { name: 'feed-forward in, nn', m: 512, n: 256, k: 64 },
  { name: 'feed-forward out, nn', m: 512, n: 64, k: 256 },
  { name: 'head, nt', m: 512, n: 256, k: 64, transposeB: true },
  { name: 'dX of feed-forward in, nt', m: 512, n: 64, k: 256, transposeB: true },
  { name: 'dW of attention in, tn', m: 64, n: 192, k: 512, transposeA: true },
  { name: 'dW of feed-forward out, tn', m: 256, n: 64, k: 512, transposeA: true },
  { name: 'attention scores of one head, nt', m: 64, n: 64, k: 16, transposeB: true },
  { name: 'square, nn', m: 512, n: 512, k: 512 },
];

const wasm = await openWasm();
const [a, b, c] = [wasm.allocate(512 * 512 * 4), wasm.allocate(512 * 512 * 4), wasm.allocate(512 * 512 * 4)];
new Float32Array(wasm.memory.buffer, a, 512 * 512).fill(0.5);
new Float32Array(wasm.memory.buffer, b, 512 * 512).fill(0.25);

for (const { name, m, n, k, transposeA = false, transposeB = false } of shapes) {
  const lda = transposeA ? m : k;
  const ldb = transposeB ? k : n;
  const call = { m, n, k, a, lda, b, ldb, c, ldc: n, transposeA, transposeB };
  const repeats = Math.ceil(2e7 / (m * n * k));
  const seconds = Array.from({ length: 30 }, () => time(() => wasm.gemm(call), repeats)).toSorted((x, y) => x - y);
  const rate = (time: number) => ((2 * m * n * k) / time / 1e9).toFixed(1);
  console.log(
    `${name.padEnd(34)} ${m}x${n}x${k}`.padEnd(50),
    `${rate(seconds[15]!)} GFLOP/s (best ${rate(seconds[0]!)})`,
  );
}

/** Seconds of one call. */
function time(work: () => void, repeats: number): number {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) work();
  return (performance.now() - start) / 1000 / repeats;
}

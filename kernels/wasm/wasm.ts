// The CPU backend's small WebAssembly SIMD module behind typed functions. Pointers are byte offsets into `memory`
// (`view.byteOffset`), 4-byte aligned; leading dimensions are f32 elements from one row to the next.

import { LoomError } from '../../shared/errors.ts';
import { cpuWasm } from '../generated/cpu-wasm.ts';

export interface Gemm {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: number; // pointer to A: [m, k], or [k, m] with transposeA
  readonly lda: number;
  readonly b: number; // pointer to B: [k, n], or [n, k] with transposeB
  readonly ldb: number;
  readonly c: number; // pointer to C: [m, n]
  readonly ldc: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly accumulate?: boolean; // C += A B rather than C = A B
}

export interface Wasm {
  readonly memory: WebAssembly.Memory;
  /**
   * Reserves zeroed bytes at a 64-byte boundary and returns their pointer. Views of an older `memory.buffer` become empty.
   * Throws LoomError `no_backend` when there is not enough memory.
   */
  allocate(bytes: number): number;
  /** C = A B, or C += A B; f32, any size. */
  gemm(call: Gemm): void;
  /** out = a + b for n elements; `out` may be `a` or `b`. */
  add(a: number, b: number, out: number, n: number): void;
  /** x [rows, columns] -> out [columns], the sum over the rows. */
  columnSum(x: number, rows: number, columns: number, out: number): void;
  /** x[i] = e^(x[i] - shift) for n elements; returns their sum. The arguments of e are clamped to -87..88. */
  exponentials(x: number, n: number, shift: number): number;
  /** y = GELU(x) (tanh form) for n elements. */
  gelu(x: number, y: number, n: number): void;
  /** dx = dy * GELU'(x) for n elements. */
  geluGradient(x: number, dy: number, dx: number, n: number): void;
  /** x[i] *= factor for n elements; returns the highest of what it writes, NaN if there is one. */
  scaleRow(x: number, n: number, factor: number): number;
  /** x[i] = weights[i] * (x[i] - mean) * scale for n elements. */
  softmaxGradientRow(weights: number, x: number, n: number, mean: number, scale: number): void;
  /** Rows of norms and of SwiGLU and steps of AdamW, as the comments in cpu.wat say: pointers first, then n, a multiple of four. */
  readonly rows: Pick<Exports, RowFunction>;
}

type RowFunction =
  | 'row_sum'
  | 'row_squares'
  | 'row_dot'
  | 'norm_row'
  | 'norm_projection'
  | 'norm_gradient_row'
  | 'norm_gain_row'
  | 'swiglu_row'
  | 'swiglu_gradient_row'
  | 'adamw';

/** The functions of cpu.wat. */
interface Exports {
  readonly gemm_block: (...parameters: number[]) => void;
  readonly gemv_rows: (...parameters: number[]) => void;
  readonly gemv_columns: (...parameters: number[]) => void;
  readonly add: (a: number, b: number, out: number, n: number) => void;
  readonly column_sum: (x: number, rows: number, columns: number, out: number) => void;
  readonly exponentials: (x: number, n: number, shift: number) => number;
  readonly gelu: (x: number, y: number, n: number) => void;
  readonly gelu_gradient: (x: number, dy: number, dx: number, n: number) => void;
  readonly scale_row: (x: number, n: number, factor: number) => number;
  readonly softmax_gradient_row: (weights: number, x: number, n: number, mean: number, scale: number) => void;
  readonly swiglu_row: (x: number, y: number, n: number) => void;
  readonly swiglu_gradient_row: (x: number, dy: number, dx: number, n: number) => void;
  readonly row_sum: (x: number, n: number) => number;
  readonly row_squares: (x: number, n: number, mean: number) => number;
  readonly row_dot: (a: number, b: number, n: number) => number;
  readonly norm_row: (...parameters: number[]) => void; // x, gain, bias or 0, out, n, mean, rstd
  readonly norm_projection: (x: number, gain: number, dy: number, n: number, mean: number) => number;
  readonly norm_gradient_row: (...parameters: number[]) => void; // x, gain, dy, addend or 0, out, n, mean, rstd, shift, slope
  readonly norm_gain_row: (...parameters: number[]) => void; // x, dy, gains, n, mean, rstd
  readonly adamw: (...parameters: number[]) => void; // parameters, gradients, means, variances, n, factor, beta1, beta2, rate, epsilon, kept
}

const pageBytes = 65536;
const blockSize = 256; // columns and depth of the largest block of B that `gemm_block` packs
const workBytes = 128 + 4 * 4 * blockSize + 4 * blockSize * blockSize; // as cpu.wat lays it out

/**
 * Instantiates the module over a memory of its own. Throws LoomError `no_backend` where WebAssembly SIMD is missing.
 * @param options.relaxed false: without fused multiplications, even where the engine has them
 */
export async function openWasm(options: { relaxed?: boolean } = {}): Promise<Wasm> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const modules = options.relaxed === false ? [cpuWasm.strict] : [cpuWasm.relaxed, cpuWasm.strict];
  const code = modules.map(decodeBase64).find((bytes) => WebAssembly.validate(bytes));
  if (!code) throw new LoomError('no_backend', 'WebAssembly SIMD is missing here');
  const { instance } = await WebAssembly.instantiate(code, { host: { memory } });
  const exports = instance.exports as unknown as Exports;
  const allocate = allocator(memory, 64);
  const work = allocate(workBytes);
  return {
    memory,
    allocate,
    gemm: (call) =>
      call.m === 1 && !call.transposeA ? gemv(exports, memory, call) : gemmInBlocks(exports, work, call),
    add: exports.add,
    columnSum: exports.column_sum,
    exponentials: exports.exponentials,
    gelu: exports.gelu,
    geluGradient: exports.gelu_gradient,
    scaleRow: exports.scale_row,
    softmaxGradientRow: exports.softmax_gradient_row,
    rows: exports,
  };
}

/** A bump allocator: a program's storage is laid out once and lives as long as its memory. */
function allocator(memory: WebAssembly.Memory, first: number): (bytes: number) => number {
  let end = first;
  return (bytes) => {
    const pointer = end;
    end = Math.ceil((pointer + bytes) / 64) * 64;
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) grow(memory, Math.ceil(missing / pageBytes));
    return pointer;
  };
}

function grow(memory: WebAssembly.Memory, pages: number): void {
  try {
    memory.grow(pages);
  } catch (cause) {
    const wanted = Math.ceil((memory.buffer.byteLength + pages * pageBytes) / 2 ** 20);
    throw new LoomError('no_backend', `the program needs ${wanted} MiB of WebAssembly memory`, { cause });
  }
}

function gemmInBlocks({ gemm_block: block }: Exports, work: number, call: Gemm): void {
  const { m, n, k, a, b, c, accumulate = false } = call;
  const [aRow, aColumn] = call.transposeA ? [4, 4 * call.lda] : [4 * call.lda, 4];
  const [bRow, bColumn] = call.transposeB ? [4, 4 * call.ldb] : [4 * call.ldb, 4];
  const cRow = 4 * call.ldc;
  for (let j = 0; j < n; j += blockSize) {
    for (let p = 0; p < k; p += blockSize) {
      const [columns, depth] = [Math.min(blockSize, n - j), Math.min(blockSize, k - p)];
      const [atA, atB] = [a + p * aColumn, b + p * bRow + j * bColumn];
      const adds = Number(accumulate || p > 0);
      block(m, columns, depth, atA, aRow, aColumn, atB, bRow, bColumn, c + 4 * j, cRow, adds, work);
    }
  }
}

/** One row of A times B: nothing is packed, because nothing is read twice. */
function gemv({ gemv_rows: addRows, gemv_columns: addColumns }: Exports, memory: WebAssembly.Memory, call: Gemm): void {
  const { n, k, a, b, ldb, c, transposeB, accumulate } = call;
  if (!accumulate) new Float32Array(memory.buffer, c, n).fill(0);
  (transposeB ? addColumns : addRows)(a, b, 4 * ldb, k, n, c);
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

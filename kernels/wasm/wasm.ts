// The CPU backend's small WebAssembly SIMD module behind typed functions. Pointers are byte offsets into `memory`
// (`view.byteOffset`), 4-byte aligned; leading dimensions are f32 elements from one row to the next.

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
  /** Reserves zeroed bytes at a 64-byte boundary and returns their pointer. Views of an older `memory.buffer` become empty. */
  allocate(bytes: number): number;
  /** C = A B, or C += A B. Every transposition but both at once. */
  gemm(call: Gemm): void;
}

const pageBytes = 65536;

/** Instantiates the module over a memory of its own. */
export async function openWasm(): Promise<Wasm> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  return { memory, allocate: allocator(memory, 64), gemm: (call) => gemmInPlainLoops(memory, call) };
}

/** A bump allocator: a program's storage is laid out once and lives as long as its memory. */
function allocator(memory: WebAssembly.Memory, first: number): (bytes: number) => number {
  let end = first;
  return (bytes) => {
    const pointer = end;
    end = Math.ceil((pointer + bytes) / 64) * 64;
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
    return pointer;
  };
}

function gemmInPlainLoops(memory: WebAssembly.Memory, call: Gemm): void {
  const heap = new Float32Array(memory.buffer);
  const { m, n, k, lda, ldb, ldc } = call;
  const [a, b, c] = [call.a / 4, call.b / 4, call.c / 4];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let total = call.accumulate ? heap[c + i * ldc + j]! : 0;
      for (let p = 0; p < k; p++) {
        total +=
          heap[a + (call.transposeA ? p * lda + i : i * lda + p)]! *
          heap[b + (call.transposeB ? j * ldb + p : p * ldb + j)]!;
      }
      heap[c + i * ldc + j] = total;
    }
  }
}

// The cosine transform (DCT-II) and its inverse, the same bits in every JavaScript engine: only + - * / of float64, which IEEE
// 754 rounds one way, in a fixed order. Math.cos may differ in its last bit from engine to engine, so cosines come from a series.
// Fast by halves (Lee 1984, IEEE Trans. ASSP 32), direct where a length is odd. Many vectors at once: they lie beside each other,
// element i of all `lanes` of them from i * lanes on.

/** cos(pi * numerator / denominator), off by at most 2e-16. @param numerator,denominator whole, not negative */
export function cosineOf(numerator: number, denominator: number): number {
  const turn = numerator % (2 * denominator);
  const half = turn > denominator ? 2 * denominator - turn : turn; // 0..pi
  if (2 * half > denominator) return -quarter(denominator - half, denominator);
  return quarter(half, denominator);
}

/** For angles from 0 to pi / 2. */
function quarter(numerator: number, denominator: number): number {
  if (4 * numerator <= denominator) return series((Math.PI * numerator) / denominator, 0);
  const rest = (Math.PI * (denominator - 2 * numerator)) / (2 * denominator); // pi / 2 less the angle
  return rest * series(rest, 1);
}

/** Cosine of x for `odd` 0, sine of x over x for 1; 0 <= x <= pi / 4, where nine terms are exact. */
function series(x: number, odd: 0 | 1): number {
  let sum = 1;
  for (let term = 9; term >= 1; term--) {
    const last = 2 * term + odd;
    sum = 1 - (sum * x * x) / ((last - 1) * last);
  }
  return sum;
}

/** What makes the coefficients of a transform of length n those of an orthonormal basis. */
export function scalesOf(n: number): Float64Array {
  return tableOf(scales, n, n, (k) => Math.sqrt((k === 0 ? 1 : 2) / n));
}

/**
 * `n` elements of `lanes` vectors become coefficients, k of them the sum of x[i] cos(pi (2 i + 1) k / 2 n).
 * @param x [n, lanes] from `at` on, changed in place
 * @param scratch as long as x; its contents are lost
 */
export function transform(x: Float64Array, scratch: Float64Array, n: number, lanes: number, at = 0): void {
  if (n === 1) return;
  if (n % 2 === 1) return directly(x, scratch, n, lanes, at, (i, k) => cosineAt(n, i, k));
  const half = n / 2;
  const factors = halfSecants(n);
  for (let i = 0; i < half; i++) {
    const [low, high, sum] = [at + i * lanes, at + (n - 1 - i) * lanes, at + i * lanes];
    const difference = at + (half + i) * lanes;
    const factor = factors[i]!;
    for (let lane = 0; lane < lanes; lane++) {
      const a = x[low + lane]!;
      const b = x[high + lane]!;
      scratch[sum + lane] = a + b;
      scratch[difference + lane] = (a - b) * factor;
    }
  }
  transform(scratch, x, half, lanes, at);
  transform(scratch, x, half, lanes, at + half * lanes);
  for (let i = 0; i < half; i++) {
    const [even, odd] = [at + 2 * i * lanes, at + (half + i) * lanes];
    const from = at + i * lanes;
    const isLast = i === half - 1;
    for (let lane = 0; lane < lanes; lane++) {
      x[even + lane] = scratch[from + lane]!;
      x[even + lanes + lane] = isLast ? scratch[odd + lane]! : scratch[odd + lane]! + scratch[odd + lanes + lane]!;
    }
  }
}

/** The sum over k of x[k] cos(pi (2 i + 1) k / 2 n): with coefficients of an orthonormal basis scaled, the inverse. */
export function inverse(x: Float64Array, scratch: Float64Array, n: number, lanes: number, at = 0): void {
  if (n === 1) return;
  if (n % 2 === 1) return directly(x, scratch, n, lanes, at, (k, i) => cosineAt(n, i, k));
  const half = n / 2;
  for (let i = 0; i < half; i++) {
    const [even, odd] = [at + 2 * i * lanes, at + (half + i) * lanes];
    const to = at + i * lanes;
    for (let lane = 0; lane < lanes; lane++) {
      scratch[to + lane] = x[even + lane]!;
      scratch[odd + lane] = i === 0 ? x[even + lanes + lane]! : x[even - lanes + lane]! + x[even + lanes + lane]!;
    }
  }
  inverse(scratch, x, half, lanes, at);
  inverse(scratch, x, half, lanes, at + half * lanes);
  const factors = halfSecants(n);
  for (let i = 0; i < half; i++) {
    const [low, high, odd] = [at + i * lanes, at + (n - 1 - i) * lanes, at + (half + i) * lanes];
    const factor = factors[i]!;
    for (let lane = 0; lane < lanes; lane++) {
      const a = scratch[low + lane]!;
      const b = scratch[odd + lane]! * factor;
      x[low + lane] = a + b;
      x[high + lane] = a - b;
    }
  }
}

/** y[to] = the sum over `from` of x[from] * weight(from, to), in place. */
function directly(
  x: Float64Array,
  scratch: Float64Array,
  n: number,
  lanes: number,
  at: number,
  weight: (from: number, to: number) => number,
): void {
  scratch.fill(0, at, at + n * lanes);
  for (let to = 0; to < n; to++) {
    for (let from = 0; from < n; from++) {
      const factor = weight(from, to);
      const [read, write] = [at + from * lanes, at + to * lanes];
      for (let lane = 0; lane < lanes; lane++)
        scratch[write + lane] = scratch[write + lane]! + factor * x[read + lane]!;
    }
  }
  x.set(scratch.subarray(at, at + n * lanes), at);
}

const scales = new Map<number, Float64Array>();
const cosines = new Map<number, Float64Array>(); // cos(pi (2 i + 1) k / 2 n), k * n + i
const secants = new Map<number, Float64Array>(); // 1 / (2 cos(pi (2 i + 1) / 2 n))

function cosineAt(n: number, i: number, k: number): number {
  return tableOf(cosines, n, n * n, (at) => cosineOf((2 * (at % n) + 1) * Math.floor(at / n), 2 * n))[k * n + i]!;
}

function halfSecants(n: number): Float64Array {
  return tableOf(secants, n, n / 2, (i) => 1 / (2 * cosineOf(2 * i + 1, 2 * n)));
}

/** Each length's table is made once. */
function tableOf(
  tables: Map<number, Float64Array>,
  n: number,
  elements: number,
  of: (i: number) => number,
): Float64Array {
  const known = tables.get(n);
  if (known !== undefined) return known;
  const table = Float64Array.from({ length: elements }, (_, i) => of(i));
  tables.set(n, table);
  return table;
}

// The autotuner: measures a few choices of tiles for each class of products on a device, believes none whose result is not that
// of the reference, and hands back the fastest. Seconds, not minutes.

import { createRandom } from '../../shared/random.ts';
import type { Device, Program } from '../device/device.ts';
import { matmul } from '../matmul/matmul.ts';
import type { MatmulLayout, Product } from '../matmul/product.ts';
import { layoutOf, productOf } from '../matmul/product.ts';
import type { TileChoice } from '../plan/tile-choice.ts';
import { shapeClassOf } from '../matmul/shape-class.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Plan } from '../plan/plan.ts';

export interface TunedClass {
  readonly shapeClass: string;
  readonly choice: TileChoice;
  readonly microseconds: number;
  readonly untunedMicroseconds: number; // of what would be taken without tuning
  readonly refused: number; // choices that failed to compile or computed wrongly
}

export interface TuneOptions {
  readonly now: () => number; // milliseconds
  readonly measureMs: number; // for each choice
  readonly patienceMs: number; // no further class is begun after so long
}

interface Shape {
  readonly layout: MatmulLayout;
  readonly product: Product;
}

/** The products of a plan, one of each class, the most work first; rows alone and unusual operands are left out. */
export function productsOf({ ops }: Plan): Shape[] {
  const byClass = new Map<string, Shape>();
  for (const op of ops) {
    if (op.kernel !== matmul) continue;
    const product = productOf(op);
    if (product.m > 1) byClass.set(shapeClassOf(product), { layout: layoutOf(op.attributes), product });
  }
  const work = ({ product: { m, n, k } }: Shape) => m * n * k;
  return [...byClass.values()].toSorted((a, b) => work(b) - work(a));
}

/** Measures classes that `known` does not have. */
export async function tuneProducts(
  device: Device,
  shapes: readonly Shape[],
  known: ReadonlyMap<string, TileChoice>,
  options: TuneOptions,
): Promise<TunedClass[]> {
  const deadline = options.now() + options.patienceMs;
  const tuned: TunedClass[] = [];
  for (const shape of shapes) {
    if (options.now() > deadline) break;
    if (!known.has(shapeClassOf(shape.product))) tuned.push(...(await tuneClass(device, shape, options)));
  }
  return tuned;
}

async function tuneClass(device: Device, shape: Shape, options: TuneOptions): Promise<TunedClass[]> {
  const untunedMicroseconds = await measure(device, shape, null, options);
  if (untunedMicroseconds === null) return [];
  let best: { choice: TileChoice; microseconds: number } | null = null;
  let refused = 0;
  for (const choice of candidatesOf(shape.product)) {
    const microseconds = await measure(device, shape, choice, options).catch(() => null);
    if (microseconds === null) refused++;
    else if (best === null || microseconds < best.microseconds) best = { choice, microseconds };
  }
  return best === null ? [] : [{ shapeClass: shapeClassOf(shape.product), ...best, untunedMicroseconds, refused }];
}

/** At most eight. */
function candidatesOf({ k }: Product): TileChoice[] {
  const parts = [1, 2, 4, 8].filter((count) => count === 1 || k / count >= 256);
  return ([64, 128] as const).flatMap((tile) => parts.map((count) => ({ tile, parts: count })));
}

/** Microseconds of a product, or null when it computes wrongly. */
async function measure(device: Device, shape: Shape, choice: TileChoice | null, options: TuneOptions) {
  const { plan, a, b } = listProduct(shape, choice);
  const program = await device.compile(plan);
  try {
    program.write('a', a);
    program.write('b', b);
    await program.run();
    if (!isRight((await program.read('c')) as Float32Array, a, b, shape.product)) return null;
    return await timeRuns(program, options);
  } finally {
    program.destroy();
  }
}

/** The least of three goes, of several runs each. */
async function timeRuns(program: Program, { now, measureMs }: TuneOptions): Promise<number> {
  let least = Infinity;
  for (let go = 0; go < 3; go++) {
    const start = now();
    let runs = 0;
    do {
      for (let i = 0; i < 4; i++, runs++) await program.run();
      await program.read('done');
    } while (now() - start < measureMs / 3);
    least = Math.min(least, (1000 * (now() - start)) / runs);
  }
  return least;
}

function listProduct({ layout, product: { m, n, k } }: Shape, choice: TileChoice | null) {
  const builder = new PlanBuilder();
  const a = builder.input('a', layout === 'tn' ? [k, m] : [m, k]);
  const b = builder.input('b', layout === 'nt' ? [n, k] : [k, n]);
  builder.readable(builder.op(matmul, [a, b], { layout, ...choice }, ['c'])[0]);
  builder.input('done', [1]); // reading it waits for the runs before
  const random = createRandom(m, n, k);
  const draw = (length: number) => Float32Array.from({ length }, () => random.uniform() - 0.5);
  return { plan: builder.finish(), a: draw(m * k), b: draw(k * n) };
}

/** Compares elements from all over C with the reference's sums in float64. */
function isRight(c: Float32Array, a: Float32Array, b: Float32Array, product: Product): boolean {
  const { m, n, k, aRow, aColumn, bRow, bColumn } = product;
  const random = createRandom(k, n, m);
  let [difference, norm] = [0, 0];
  for (let sample = 0; sample < 64; sample++) {
    const [i, j] = sample === 0 ? [m - 1, n - 1] : [random.below(m), random.below(n)];
    let sum = 0;
    for (let p = 0; p < k; p++) sum += a[i * aRow + p * aColumn]! * b[p * bRow + j * bColumn]!;
    difference += (c[i * n + j]! - sum) ** 2;
    norm += sum ** 2;
  }
  return Math.sqrt(difference / norm) <= 1e-4; // false for NaN
}

// The autotuner: measures a few choices of tiles for each class of products on a device, believes none whose result is not that
// of the reference, and hands back the fastest. Seconds, not minutes.

import { createRandom } from '../../shared/random.ts';
import type { Device, Program } from '../device/device.ts';
import { constantsOf } from '../matmul/constants.ts';
import { hasFewRows } from '../matmul/gemv.ts';
import { matmul } from '../matmul/matmul.ts';
import { productPair, productsOfPair } from '../matmul/pair.ts';
import type { MatmulLayout, Product } from '../matmul/product.ts';
import { layoutOf, productOf } from '../matmul/product.ts';
import { halfClassOf, pairClassOf, shapeClassOf } from '../matmul/shape-class.ts';
import { normProduct, productOfNorm } from '../norm/norm-product.ts';
import { PlanBuilder } from '../plan/builder.ts';
import type { Op, Tensor } from '../plan/op.ts';
import type { Plan } from '../plan/plan.ts';
import type { TileChoice } from '../plan/tile-choice.ts';

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

/** What a choice is made for: one product, or two in one dispatch. */
interface Tunable {
  readonly shapeClass: string;
  readonly shapes: readonly [Shape] | readonly [Shape, Shape];
  readonly precision: 'f32' | 'f16';
}

/**
 * What a plan has to tune, one of each class, the most work first; products with few rows and unusual operands are left out.
 * @param precision of the programs; in f16, a pair is two products
 */
export function tunablesOf({ ops }: Plan, precision: 'f32' | 'f16'): Tunable[] {
  const byClass = new Map<string, Tunable>();
  for (const tunable of ops.flatMap((op) => tunablesOfOp(op, precision))) byClass.set(tunable.shapeClass, tunable);
  const work = ({ shapes }: Tunable) => shapes.reduce((sum, { product: { m, n, k } }) => sum + m * n * k, 0);
  return [...byClass.values()].toSorted((a, b) => work(b) - work(a));
}

function tunablesOfOp(op: Op, precision: 'f32' | 'f16'): Tunable[] {
  if (op.kernel === normProduct) return tunablesOfOp(productOfNorm(op), precision);
  if (op.kernel === productPair) {
    const [first, second] = productsOfPair(op).map(shapeOf) as [Shape, Shape];
    if (precision === 'f16') return [first, second].map((shape) => tunableOf(shape, precision));
    return [{ shapeClass: pairClassOf(first.product, second.product), shapes: [first, second], precision }];
  }
  if (op.kernel !== matmul) return [];
  const shape = shapeOf(op);
  return hasFewRows(shape.product, constantsOf(op, shape.product)) ? [] : [tunableOf(shape, precision)];
}

function shapeOf(op: Op): Shape {
  return { layout: layoutOf(op.attributes), product: productOf(op) };
}

function tunableOf(shape: Shape, precision: 'f32' | 'f16'): Tunable {
  const shapeClass = precision === 'f16' ? halfClassOf(shape.product) : shapeClassOf(shape.product);
  return { shapeClass, shapes: [shape], precision };
}

/** Measures classes that `known` does not have. */
export async function tuneProducts(
  device: Device,
  tunables: readonly Tunable[],
  known: ReadonlyMap<string, TileChoice>,
  options: TuneOptions,
): Promise<TunedClass[]> {
  const deadline = options.now() + options.patienceMs;
  const tuned: TunedClass[] = [];
  for (const tunable of tunables) {
    if (options.now() > deadline) break;
    if (!known.has(tunable.shapeClass)) tuned.push(...(await tuneClass(device, tunable, options)));
  }
  return tuned;
}

async function tuneClass(device: Device, tunable: Tunable, options: TuneOptions): Promise<TunedClass[]> {
  const untunedMicroseconds = await measure(device, tunable, null, options);
  if (untunedMicroseconds === null) return [];
  let best: { choice: TileChoice; microseconds: number } | null = null;
  let refused = 0;
  for (const choice of candidatesOf(tunable)) {
    const microseconds = await measure(device, tunable, choice, options).catch(() => null);
    if (microseconds === null) refused++;
    else if (best === null || microseconds < best.microseconds) best = { choice, microseconds };
  }
  return best === null ? [] : [{ shapeClass: tunable.shapeClass, ...best, untunedMicroseconds, refused }];
}

/** At most eight. Parts are those of the last product; in f16 there are none. */
function candidatesOf({ shapes, precision }: Tunable): TileChoice[] {
  const { k } = shapes.at(-1)!.product;
  const parts = [1, 2, 4, 8].filter((count) => count === 1 || (precision === 'f32' && k / count >= 256));
  return ([64, 128] as const).flatMap((tile) => parts.map((count) => ({ tile, parts: count })));
}

/** Microseconds of a dispatch, or null when it computes wrongly. */
async function measure(device: Device, tunable: Tunable, choice: TileChoice | null, options: TuneOptions) {
  const operands = tunable.shapes.map(({ product: { m, n, k } }) => {
    const random = createRandom(m, n, k);
    const draw = (length: number) => Float32Array.from({ length }, () => random.uniform() - 0.5);
    return { a: draw(m * k), b: draw(k * n) };
  });
  const { precision } = tunable;
  const program = await device.compile(listTunable(tunable, choice), { precision });
  try {
    for (const [i, { a, b }] of operands.entries()) {
      program.write(`a${i}`, a);
      program.write(`b${i}`, b);
    }
    await program.run();
    const tolerance = precision === 'f16' ? 1e-2 : 1e-4;
    for (const [i, { a, b }] of operands.entries()) {
      const c = (await program.read(`c${i}`)) as Float32Array;
      if (!(distanceOf(c, a, b, tunable.shapes[i]!.product) <= tolerance)) return null; // NaN is no distance
    }
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

function listTunable({ shapes }: Tunable, choice: TileChoice | null): Plan {
  const builder = new PlanBuilder();
  const inputs = shapes.flatMap(({ layout, product: { m, n, k } }, i): Tensor[] => [
    builder.input(`a${i}`, layout === 'tn' ? [k, m] : [m, k]),
    builder.input(`b${i}`, layout === 'nt' ? [n, k] : [k, n]),
  ]);
  const [{ layout }, second] = shapes;
  const kernel = second ? productPair : matmul;
  const attributes = { layout, ...(second && { secondLayout: second.layout }), ...choice };
  const outputs = builder.op(kernel, inputs, attributes, ['c0', 'c1']);
  for (const output of outputs) builder.readable(output);
  builder.input('done', [1]); // reading it waits for the runs before
  return builder.finish();
}

/** From the reference's sums in float64, by elements from all over C. */
function distanceOf(c: Float32Array, a: Float32Array, b: Float32Array, product: Product): number {
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
  return Math.sqrt(difference / norm);
}

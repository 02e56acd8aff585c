// The autotuner: measures a few choices of tiles for each class of products on a device, believes none whose result is not that
// of the reference, and hands back the fastest. Seconds, not minutes.

import { createRandom } from '../../shared/random.ts';
import type { Device, Program } from '../device/device.ts';
import { constantsOf } from '../matmul/constants.ts';
import { hasFewRows } from '../matmul/gemv.ts';
import { matmul } from '../matmul/matmul.ts';
import { known, productPair, productsOfPair } from '../matmul/pair.ts';
import type { MatmulLayout, Product } from '../matmul/product.ts';
import { layoutOf, productOf } from '../matmul/product.ts';
import { pairClassOf, shapeClassOf } from '../matmul/shape-class.ts';
import { normProduct, productOfNorm } from '../norm/norm-product.ts';
import { PlanBuilder } from '../plan/builder.ts';
import { storeHalves, traitsOf } from '../plan/halves.ts';
import type { Attributes, DeviceTraits, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
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

/** A product, and which of its operands are stored as f16: as activations or, scaled, as gradients. */
interface Shape {
  readonly layout: MatmulLayout;
  readonly product: Product;
  readonly kinds: readonly [a: Tensor['kind'], b: Tensor['kind']];
}

/** What a choice is made for: one product, or two in one dispatch. */
interface Tunable {
  readonly shapeClass: string;
  readonly shapes: readonly [Shape] | readonly [Shape, Shape];
  readonly attributes: Attributes;
  readonly precision: 'f32' | 'f16';
}

/**
 * What a plan has to tune, one of each class, the most work first; products with few rows and unusual operands are left out.
 * @param traits of the device
 */
export function tunablesOf(plan: Plan, precision: 'f32' | 'f16', traits: DeviceTraits): Tunable[] {
  const own = traitsOf(precision, traits);
  const { ops } = own.halfProducts ? storeHalves(plan, own) : plan;
  const byClass = new Map<string, Tunable>();
  for (const tunable of ops.flatMap((op) => tunablesOfOp(op, own))) byClass.set(tunable.shapeClass, tunable);
  const work = ({ shapes }: Tunable) => shapes.reduce((sum, { product: { m, n, k } }) => sum + m * n * k, 0);
  return [...byClass.values()].toSorted((a, b) => work(b) - work(a));
}

function tunablesOfOp(op: Op, traits: DeviceTraits): Tunable[] {
  if (op.kernel === normProduct) return tunablesOfOp(productOfNorm(op), traits);
  const precision = traits.halfProducts ? 'f16' : 'f32';
  const { layout, gradient, shared, secondLayout, secondGradient } = op.attributes;
  if (op.kernel === productPair) {
    const [first, second] = productsOfPair(op).map(shapeOf) as [Shape, Shape];
    const attributes = known({ layout, gradient, shared, secondLayout, secondGradient });
    const shapeClass = pairClassOf(first.product, second.product, traits);
    return [{ shapeClass, shapes: [first, second], attributes, precision }];
  }
  if (op.kernel !== matmul) return [];
  const shape = shapeOf(op);
  if (hasFewRows(shape.product, constantsOf(op, shape.product))) return [];
  const shapeClass = shapeClassOf(shape.product, traits);
  return [{ shapeClass, shapes: [shape], attributes: known({ layout, gradient }), precision }];
}

function shapeOf(op: Op): Shape {
  const kindOf = ({ dtype, kind }: Tensor) => (dtype === 'f16' ? kind : undefined);
  const [a, b] = op.inputs as [Tensor, Tensor];
  return { layout: layoutOf(op.attributes), product: productOf(op), kinds: [kindOf(a), kindOf(b)] };
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

/** At most eight. Parts are those of the last product. */
function candidatesOf({ shapes }: Tunable): TileChoice[] {
  const { k } = shapes.at(-1)!.product;
  const parts = [1, 2, 4, 8].filter((count) => count === 1 || k / count >= 256);
  return ([64, 128] as const).flatMap((tile) => parts.map((count) => ({ tile, parts: count })));
}

/** Microseconds of a dispatch, or null when it computes wrongly. */
async function measure(device: Device, tunable: Tunable, choice: TileChoice | null, options: TuneOptions) {
  const { precision, shapes } = tunable;
  const { plan, operands } = listTunable(tunable, choice);
  const data = new Map(
    operands.flat().map(({ name, shape }) => {
      const random = createRandom(...shape);
      return [name, Float32Array.from({ length: elementsOf(shape) }, () => random.uniform() - 0.5)];
    }),
  );
  const program = await device.compile(plan, { precision });
  try {
    for (const [name, values] of data) program.write(name, values);
    await program.run();
    const tolerance = precision === 'f16' ? 1e-2 : 1e-4;
    for (const [i, { product }] of shapes.entries()) {
      const [a, b] = operands[i]!.map(({ name }) => data.get(name)!) as [Float32Array, Float32Array];
      const c = (await program.read(`c${i}`)) as Float32Array;
      if (!(distanceOf(c, a, b, product) <= tolerance)) return null; // NaN is no distance
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

/** Operands are states, which are stored as f16 where the plan's are. */
function listTunable({ shapes, attributes }: Tunable, choice: TileChoice | null) {
  const builder = new PlanBuilder();
  const operand = (name: string, shape: readonly number[], kind: Tensor['kind']) =>
    builder.state(name, shape, 'f32', kind);
  const [first, second] = shapes;
  const [a, b] = [operand('a', sizesOf(first)[0], first.kinds[0]), operand('b', sizesOf(first)[1], first.kinds[1])];
  const operands: [Tensor, Tensor][] = [[a, b]];
  if (second) {
    const at = attributes['shared'] === 'b' ? 0 : 1;
    const third = operand('third', sizesOf(second)[at], second.kinds[at]);
    operands.push(at === 0 ? [third, a] : [a, third]);
  }
  const inputs = new Set(operands.flat());
  const outputs = builder.op(second ? productPair : matmul, [...inputs], { ...attributes, ...choice }, ['c0', 'c1']);
  for (const output of outputs) builder.readable(output);
  builder.input('done', [1]); // reading it waits for the runs before
  return { plan: builder.finish(), operands };
}

/** The shapes of both operands. */
function sizesOf({ layout, product: { m, n, k } }: Shape): [a: number[], b: number[]] {
  return [layout === 'tn' ? [k, m] : [m, k], layout === 'nt' ? [n, k] : [k, n]];
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

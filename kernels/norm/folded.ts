// On GPUs, the gradient of a norm has no dispatch of its own where its row sums can be had before its rows. With y = norm(x) W + b,
// g = (dy W^T) gain and x' what is normalized, dx = rstd (g - mean(g) - x' mean(g x')), and both means are sums over dy alone:
//   C mean(g) = dy . u with u = W^T gain, and C mean(g x') = dy . (y - v) with v = W^T bias + b,
// so that the pair which makes dy from the gradient of an activation leaves them tile by tile, the pair after it ends in dx, and
// nothing of a row is loaded twice. The forward product leaves u and v. The gradients of gain and bias are left by 64 rows each; a
// later pair sums them. Where v is much larger than y - v, the second mean loses as many digits as y itself did: against float64 the
// gradients by rows are off by 5e-7 either way, with means and biases of 100 times the spread by 2e-6 instead of 9e-7, and with 1,000
// times by 1.4e-5 instead of 4e-6.
// Four ops share three dispatches, each of at most eight bindings, and the normalized rows are not kept for the backward pass. What they
// leave each other lies in one tensor, the margin, so that y and dy are tensors of the plan and may be f16.

import type { Scratch } from '../matmul/listing.ts';
import { canFold, listPairWith, productPair, productsOfPair, tilingOfPair } from '../matmul/pair.ts';
import { productOf } from '../matmul/product.ts';
import type { DeviceTraits, Dispatch, Op, Tensor } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { scratchTensor } from '../plan/scratch.ts';
import { normGradientKernel } from './norm-gradient.ts';
import type { Margin } from './norm-pair.ts';
import { listNormPair, spansOf } from './norm-pair.ts';
import { canWeigh, listWithoutRows, normProduct } from './norm-product.ts';

type List = (scratch: Scratch) => Dispatch[];

/** Ops whose dispatches are others than their own, or none. */
export function listFoldedNorms(
  ops: readonly Op[],
  readable: ReadonlySet<string>,
  traits: DeviceTraits,
): ReadonlyMap<Op, List> {
  const lists = new Map<Op, List>();
  if (traits.isCpu) return lists;
  // From the last on, so that a pair is not taken for the sums of one norm that ends in the gradient of another.
  for (let at = ops.length - 1; at > 0; at--) {
    const chain = chainAt(ops, at, readable, lists, traits);
    if (chain && isWithinLimits(chain, traits)) for (const [op, list] of listChain(chain, traits)) lists.set(op, list);
  }
  return lists;
}

/** Ops that can do without a dispatch for the norm's gradient. */
interface Chain {
  readonly forward: Op; // norm and product
  readonly before: Op; // makes dy
  readonly pair: Op; // makes g, or dy W^T, and the gradient of W
  readonly gradient: Op; // of the norm
  readonly host: Op; // sums the gradients of gain and bias
}

/** The chain whose norm's gradient is the op at `at`, else null. */
function chainAt(
  ops: readonly Op[],
  at: number,
  readable: ReadonlySet<string>,
  taken: ReadonlyMap<Op, List>,
  traits: DeviceTraits,
): Chain | null {
  const [gradient, pair] = [ops[at]!, ops[at - 1]!];
  const { input, scales } = gradient.attributes;
  if (gradient.kernel !== normGradientKernel || !input || scales === 'none') return null;
  if (pair.kernel !== productPair || pair.attributes['extra'] !== undefined) return null;
  const [x, gain, statistics, ofNorm] = gradient.inputs as [Tensor, Tensor, Tensor, Tensor];
  const forward = ops.find(({ kernel, outputs }) => kernel === normProduct && outputs[1] === statistics);
  const [dy, weight] = pair.inputs as [Tensor, Tensor];
  const before = ops.find(({ kernel, outputs }) => kernel === productPair && outputs[0] === dy);
  if (!forward || !before || pair.outputs[0] !== ofNorm) return null;
  const [normed, , y] = forward.outputs as [Tensor, Tensor, Tensor];
  const [ownX, ownGain, ...others] = forward.inputs;
  const isOfForward = ownX === x && ownGain === gain && others.includes(weight);
  const isOfBefore = ['slope', 'gates'].includes(before.attributes['extra'] as string) && before.inputs[2] === y;
  const { inputs } = productsOfPair(pair)[1];
  const isOfNormed = inputs.includes(normed) && inputs.includes(dy);
  if (!isOfForward || !isOfBefore || !isOfNormed) return null;
  const isOnlyFor = (tensor: Tensor, reader: Op) =>
    !readable.has(tensor.name) && ops.every((op) => op === reader || !op.inputs.includes(tensor));
  const arePrivate =
    isOnlyFor(normed, pair) && isOnlyFor(y, before) && isOnlyFor(dy, pair) && isOnlyFor(ofNorm, gradient);
  const host = hostAfter(ops, at, taken, traits);
  return arePrivate && host ? { forward, before, pair, gradient, host } : null;
}

/** The next pair that can sum the gradients of gain and bias besides, unless somebody reads gradients of parameters before. */
function hostAfter(ops: readonly Op[], at: number, taken: ReadonlyMap<Op, List>, traits: DeviceTraits): Op | null {
  const targets = targetsOf(ops[at]!);
  for (const op of ops.slice(at + 1)) {
    if (op.inputs.some(({ role }) => role === 'gradient')) return null;
    if (op.kernel === productPair && !taken.has(op) && canFold(op, targets, traits)) return op;
  }
  return null;
}

/** Whether the sums want weights of columns: for an RMSNorm and a product without a bias u is not wanted and v is 0. */
function isWeighed({ forward, gradient }: Chain): boolean {
  return gradient.attributes['centred'] === true || forward.inputs.length > 3;
}

/** What the ops of a chain leave each other. */
function marginOf(chain: Chain, traits: DeviceTraits): Margin {
  const { forward, before, gradient } = chain;
  const y = forward.outputs[2]!;
  const [rows, width] = gradient.inputs[0]!.shape as [number, number];
  const rowParts = Math.ceil(productOf(productsOfPair(before)[0]).n / tilingOfPair(before, traits).tile);
  const rowSumsAt = isWeighed(chain) ? roundToFour(2 * y.shape[1]!) : 0;
  const scaleSumsAt = rowSumsAt + roundToFour(2 * rowParts * rows);
  const scaleParts = Math.ceil(rows / 64);
  const tensor = scratchTensor(`margin of ${y.name}`, [scaleSumsAt + scaleParts * 2 * width]);
  return { tensor, rowSumsAt, rowParts, scaleSumsAt, scaleParts };
}

function roundToFour(elements: number): number {
  return Math.ceil(elements / 4) * 4;
}

function scalesOf({ forward }: Chain): [gain: Tensor, bias?: Tensor] {
  const [, gain, bias] = forward.inputs as [Tensor, Tensor, Tensor];
  return forward.attributes['shifted'] ? [gain, bias] : [gain];
}

/** What the gradient of a norm is, by gain and bias. */
function targetsOf(gradient: Op): [gain: Tensor, bias?: Tensor] {
  return gradient.outputs.slice(1) as [Tensor, Tensor?];
}

function isWithinLimits(chain: Chain, traits: DeviceTraits): boolean {
  const { forward, pair } = chain;
  const spans = spansOf({ pair, scales: scalesOf(chain) });
  if (!spans || !tilingOfPair(pair, traits).byFour) return false;
  if (isWeighed(chain) && !canWeigh(forward, traits)) return false;
  const shared = [spans.parameters, spans.gradients].map(({ slice }) => slice.range.elements);
  return 4 * Math.max(elementsOf(marginOf(chain, traits).tensor.shape), ...shared) <= traits.maxBindingBytes;
}

function listChain(chain: Chain, traits: DeviceTraits): [Op, List][] {
  const { forward, before, pair, gradient, host } = chain;
  const margin = marginOf(chain, traits);
  const ending = { pair, gradient, normed: forward.outputs[0]!, scales: scalesOf(chain), margin };
  const sums = { at: margin.rowSumsAt, weighted: isWeighed(chain) };
  const folds = { from: margin.scaleSumsAt, parts: margin.scaleParts, targets: targetsOf(gradient) };
  return [
    [forward, (scratch) => listWithoutRows(forward, traits, scratch, sums.weighted ? margin.tensor : null)],
    [before, (scratch) => listPairWith(before, traits, scratch, { margin: margin.tensor, sums })],
    [pair, (scratch) => listNormPair(ending, traits, scratch)],
    [gradient, () => []],
    [host, (scratch) => listPairWith(host, traits, scratch, { margin: margin.tensor, folds })],
  ];
}

// Muon: momentum whose matrices are orthogonalised by Newton-Schulz iterations before they become a step; AdamW for the rest.
// Jordan et al. 2024, kellerjordan.github.io/posts/muon; step size as in Liu et al. 2025, arXiv:2502.16982, so that both parts
// share one learning rate. In f32 (the original iterates in bfloat16).

import type { PlanBuilder } from '../plan/builder.ts';
import type { Tensor } from '../plan/op.ts';
import type { Parameter } from '../plan/plan.ts';
import type { Optimizer } from '../reduce/optimizer.ts';
import { sumSquares } from '../reduce/reduce.ts';
import { stackProduct, stackScale } from './product.ts';
import { blocksOf, restKernel } from './rest.ts';
import { stacksOf } from './stack.ts';
import { lookAheadKernel, momentumKernel, shapeOf, stepKernel } from './vectors.ts';

export interface MuonOptions {
  readonly learningRate: number;
  readonly momentum: number; // of the exponential mean; the look ahead is Nesterov's
  readonly weightDecay: number; // of the parameters declared with `decay`
  readonly maxNorm: number; // of the whole gradient; 0 clips nothing
}

const iterations = 5;

/**
 * Lists one step of Muon after `builder.backward`. Inputs `muon.hyper` [4] and, for the rest, `adamw.hyper` [8]. States: the
 * momenta of each stack of matrices, AdamW's moments of the rest. A matrix larger than the device can bind is refused when
 * the plan is compiled. Gradients that are not finite make parameters that are not; a gradient of zeros makes a step of zeros.
 * @param isMatrix which parameters of two dimensions are orthogonalised: not embeddings, not the LM head
 */
export function muon(builder: PlanBuilder, isMatrix: (parameter: Parameter) => boolean): Optimizer {
  const isStacked = (parameter: Parameter) => parameter.shape.length === 2 && isMatrix(parameter);
  const [parameters, gradients] = [builder.parameters(), builder.gradients()];
  const hyper = builder.input('muon.hyper', [4]);
  const squares = sumSquares(builder, gradients, 'muon.squares');
  const rest = builder.layout().filter((parameter) => !isStacked(parameter));
  const restHyper = builder.input('adamw.hyper', [8]); // also where there is no rest, so that whoever writes it need not know
  if (rest.length > 0) listRest(builder, rest, { parameters, gradients, squares, hyper: restHyper });
  for (const [index, stack] of stacksOf(builder.layout().filter(isStacked)).entries()) {
    const name = `muon.${index}`;
    const flatPlaces = stack.matrices.flatMap(({ offset, isTransposed }) => [offset, Number(isTransposed)]);
    const places = builder.constant(`${name}.places`, [stack.matrices.length, 2], Uint32Array.from(flatPlaces));
    const momenta = builder.state(`${name}.momenta`, shapeOf(stack));
    const given = [places, hyper, gradients, squares];
    builder.update(momentumKernel(stack), given, [momenta]);
    const [ahead] = builder.op(lookAheadKernel(stack), [...given, momenta]);
    builder.update(
      stepKernel(stack, parameters.shape[0]!),
      [places, hyper, orthogonalize(builder, ahead)],
      [parameters],
    );
  }
  return { hyper, squares };
}

/** What `muon.hyper` holds. */
export function muonHyper({ learningRate, momentum, weightDecay, maxNorm }: MuonOptions): Float32Array {
  return Float32Array.of(learningRate, momentum, weightDecay, maxNorm);
}

/** Five Newton-Schulz iterations from X / |X|: singular values near 1. [batch, rows, columns], rows <= columns. */
export function orthogonalize(builder: PlanBuilder, stack: Tensor): Tensor {
  let x = stack;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const [gram] = builder.op(stackProduct, [x, x], { kind: 'gram' }, ['muon.gram']);
    const scales = iteration === 0 ? [builder.op(stackScale, [gram])[0]] : [];
    const [polynomial] = builder.op(stackProduct, [gram, gram, ...scales], { kind: 'polynomial' }, ['muon.polynomial']);
    [x] = builder.op(stackProduct, [polynomial, x, ...scales], { kind: 'apply' }, ['muon.direction']);
  }
  return x;
}

interface Vectors {
  readonly parameters: Tensor;
  readonly gradients: Tensor;
  readonly squares: Tensor;
  readonly hyper: Tensor; // of AdamW
}

function listRest(builder: PlanBuilder, rest: readonly Parameter[], vectors: Vectors): void {
  const { parameters, gradients, squares, hyper } = vectors;
  const { blocks: numbers, decays: flags } = blocksOf(rest);
  const blocks = builder.constant('muon.rest.blocks', [numbers.length], numbers);
  const decays = builder.constant('muon.rest.decays', [flags.length], flags);
  const moments = ['means', 'variances'].map((name) => builder.state(`muon.rest.${name}`, [numbers.length * 64]));
  builder.update(restKernel(rest), [gradients, squares, decays, hyper, blocks], [parameters, ...moments]);
}

// The optimizers of local steps: how each is listed on a plan, and what is written to its program before a step. Steps that all
// workers take together are in shared/rounds/outer-step.ts.

import { adamw, adamwHyper } from '../../../kernels/adamw/adamw.ts';
import type { Program } from '../../../kernels/device/device.ts';
import { muon, muonHyper } from '../../../kernels/muon/muon.ts';
import type { PlanBuilder } from '../../../kernels/plan/builder.ts';
import { LoomError } from '../../../shared/errors.ts';
import { sgd, sgdHyper } from '../../../kernels/sgd/sgd.ts';
import type { OptimizerSettings } from '../../../shared/manifest/optimizer.ts';
import { isTable } from '../../models/tables.ts';

export type OptimizerKind = OptimizerSettings['kind'];

/** Lists one optimizer step after `builder.backward`. */
export function listOptimizer(builder: PlanBuilder, kind: OptimizerKind): void {
  if (kind === 'adamw') adamw(builder);
  else if (kind === 'muon') muon(builder, ({ name }) => !isTable(name));
  else if (kind === 'sgd') sgd(builder, { momentum: false });
  else throw new LoomError('internal', `${kind} is no local optimizer`);
}

/**
 * Writes the hyper-parameters of a plan listed with `listOptimizer`.
 * @param step counts from 1, for AdamW's bias correction
 */
export function writeHyper(program: Program, settings: OptimizerSettings, learningRate: number, step: number): void {
  const { kind, gradientClip: maxNorm, weightDecay, momentum, beta1, beta2, epsilon } = settings;
  if (kind === 'sgd') {
    program.write('sgd.hyper', sgdHyper({ learningRate, momentum: 0, weightDecay: 0, maxNorm }));
    return;
  }
  if (kind === 'muon') program.write('muon.hyper', muonHyper({ learningRate, momentum, weightDecay, maxNorm }));
  program.write('adamw.hyper', adamwHyper({ learningRate, beta1, beta2, epsilon, weightDecay, maxNorm }, step));
}

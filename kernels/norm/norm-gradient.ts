// The gradient of a norm by its input, its gain and its bias, in one dispatch: some workgroups take rows, others columns.

import { addendOf, withAddend } from '../elementwise/addend.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectMatrix, expectTensor } from '../plan/expect.ts';
import type { Kernel, Tensor } from '../plan/op.ts';
import { normGradientCpu } from './norm.cpu.ts';
import { normGradientReference } from './norm.reference.ts';
import type { NormGradientAttributes } from './rows.ts';
import { rowsAWorkgroup, splitGradients, wgslFor } from './rows.ts';

type Inputs = [x: Tensor, gain: Tensor, statistics: Tensor, gradient: Tensor, addend?: Tensor];

/** Columns that a workgroup of a GPU sums over all rows. */
const columnsAWorkgroup = 8;

/**
 * [x [R, C], gain [C], statistics [R, 2], gradient [R, C], addend? [R, C]] -> of [gradient of x + addend [R, C], of gain [C], of
 * bias [C]] what the attributes want.
 */
export const normGradientKernel: Kernel = {
  name: 'normGradient',
  infer([x, gain, statistics, gradient], attributes) {
    const { input, scales } = attributes as NormGradientAttributes;
    const [rows, width] = expectMatrix('normGradient', x);
    expectTensor('normGradient', gain, [width]);
    expectTensor('normGradient', statistics, [rows, 2]);
    expectTensor('normGradient', gradient, [rows, width]);
    const vectors = { none: 0, gain: 1, 'gain and bias': 2 }[scales];
    const shapes = [...(input ? [[rows, width]] : []), ...Array.from({ length: vectors }, () => [width])];
    return shapes.map((shape) => ({ shape, dtype: 'f32' }));
  },
  dispatches({ inputs, outputs, attributes }, traits, scratch) {
    const [x, gain, statistics, gradient, addend] = inputs as Inputs;
    const wanted = splitGradients({ attributes }, outputs);
    const [rows, width] = x.shape as [number, number];
    const gradientRows = wanted.input ? rows : 0;
    const columns = wanted.gain ? width : 0;
    const unused = (name: string): Tensor => scratch(name, 1);
    return [
      dispatch(wgslFor(traits), {
        entryPoint: 'backward',
        tensors: {
          x,
          gain,
          saved: statistics,
          gradient,
          addend: addend ?? x,
          input_gradient: wanted.input ?? unused('input'),
          gain_gradient: wanted.gain ?? unused('gain'),
          bias_gradient: wanted.bias ?? unused('bias'),
        },
        constants: {
          rows,
          width,
          centred: (attributes as NormGradientAttributes).centred,
          biased: wanted.bias !== undefined,
          adds: addend !== undefined,
          columns,
          gradient_rows: gradientRows,
        },
        workgroups: traits.isCpu
          ? linearWorkgroups(columns + gradientRows, rowsAWorkgroup(traits), traits)
          : linearWorkgroups(Math.ceil(columns / columnsAWorkgroup) + gradientRows, 1, traits),
      }),
    ];
  },
  reference: normGradientReference,
  cpu: normGradientCpu,
  /** Takes over the sum of the gradient of x with another contribution to it. */
  fuse(op, next, isNeeded) {
    if (op.inputs.length > 4 || !op.attributes['input']) return null;
    const addend = addendOf(op, next, isNeeded);
    return addend && withAddend(op, addend, next);
  },
};

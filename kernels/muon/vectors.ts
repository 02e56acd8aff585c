// Muon's kernels between the flat vectors and stacks: the momentum, its look ahead, and the step. Made for one stack, because
// attributes of an op hold no lists.

import { muonMomentum as momentumWgsl } from '../generated/muon-momentum.ts';
import { muonStep as stepWgsl } from '../generated/muon-step.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expectTensor } from '../plan/expect.ts';
import type { DeviceTraits, Kernel, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { clipFactor } from '../reduce/clip.ts';
import type { Stack } from './stack.ts';
import { forEachRow } from './stack.ts';

/** [places u32 [matrices, 2], hyper [4], gradients [P], squares [1]] changes [momenta [matrices, rows, columns]]. */
export function momentumKernel(stack: Stack): Kernel {
  return {
    name: 'muonMomentum',
    inPlace: true,
    infer: (inputs) => inferStack('muonMomentum', stack, inputs),
    dispatches({ inputs, outputs }, traits) {
      const [places, hyper, gradients, squares] = inputs as [Tensor, Tensor, Tensor, Tensor];
      return partsOf(stack, gradients, traits).map(({ flat, ...call }) =>
        dispatch(momentumWgsl, {
          entryPoint: 'update',
          tensors: { places, hyper, gradients: flat, squares, momenta: outputs[0]! },
          ...call,
        }),
      );
    },
    reference([, hyper, gradients, squares], [momenta]) {
      const { momentum, factor } = readHyper(hyper!, squares![0]!);
      accumulate(stack, momenta!, momenta!, gradients!, { kept: momentum, added: (1 - momentum) * factor });
    },
  };
}

/** [places, hyper, gradients [P], squares [1], momenta] -> [Nesterov's look ahead [matrices, rows, columns]]. */
export function lookAheadKernel(stack: Stack): Kernel {
  return {
    name: 'muonLookAhead',
    infer: (inputs) => inferStack('muonLookAhead', stack, inputs),
    dispatches({ inputs, outputs }, traits) {
      const [places, hyper, gradients, squares, updated] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
      return partsOf(stack, gradients, traits).map(({ flat, ...call }) =>
        dispatch(momentumWgsl, {
          entryPoint: 'look_ahead',
          tensors: { places, hyper, gradients: flat, squares, updated, ahead: outputs[0]! },
          ...call,
        }),
      );
    },
    reference([, hyper, gradients, squares, momenta], [ahead]) {
      const { momentum, factor } = readHyper(hyper!, squares![0]!);
      accumulate(stack, ahead!, momenta!, gradients!, { kept: momentum, added: (1 - momentum) * factor });
    },
  };
}

/** [places, hyper, directions [matrices, rows, columns]] changes [parameters [P]]. */
export function stepKernel(stack: Stack, parameterCount: number): Kernel {
  const factor = 0.2 * Math.sqrt(stack.columns);
  return {
    name: 'muonStep',
    inPlace: true,
    infer([places, hyper, directions]) {
      inferStack('muonStep', stack, [places!, hyper!]);
      expectTensor('muonStep', directions, shapeOf(stack));
      return [{ shape: [parameterCount], dtype: 'f32' }];
    },
    dispatches({ inputs, outputs }, traits) {
      const [places, hyper, directions] = inputs as [Tensor, Tensor, Tensor];
      return partsOf(stack, outputs[0]!, traits).map(({ flat, constants, workgroups }) =>
        dispatch(stepWgsl, {
          entryPoint: 'update',
          tensors: { places, hyper, directions, parameters: flat },
          constants: { ...constants, factor, decays: stack.decays },
          workgroups,
        }),
      );
    },
    reference([, hyper, directions], [parameters]) {
      const [learningRate, , weightDecay] = hyper as unknown as [number, number, number];
      const kept = stack.decays ? 1 - learningRate * weightDecay : 1;
      forEachRow(stack, (at, flat, stride) => {
        for (let j = 0; j < stack.columns; j++) {
          const place = flat + j * stride;
          parameters![place] = parameters![place]! * kept - learningRate * factor * directions![at + j]!;
        }
      });
    },
  };
}

/** out = kept * momenta + added * gradients, where gradients are a flat vector. */
function accumulate(
  stack: Stack,
  out: View,
  momenta: View,
  gradients: View,
  { kept, added }: { readonly kept: number; readonly added: number },
): void {
  forEachRow(stack, (at, flat, stride) => {
    for (let j = 0; j < stack.columns; j++) {
      out[at + j] = kept * momenta[at + j]! + added * gradients[flat + j * stride]!;
    }
  });
}

export function shapeOf({ rows, columns, matrices }: Stack): readonly [number, number, number] {
  return [matrices.length, rows, columns];
}

function inferStack(kernel: string, stack: Stack, [places, hyper]: readonly Tensor[]) {
  expectTensor(kernel, places, [stack.matrices.length, 2], 'u32');
  expectTensor(kernel, hyper, [4]);
  return [{ shape: shapeOf(stack), dtype: 'f32' as const }];
}

function readHyper(hyper: View, squares: number): { momentum: number; factor: number } {
  return { momentum: hyper[1]!, factor: clipFactor(squares, hyper[3]!) };
}

/** All matrices in one dispatch where the device binds the whole flat vector, else a dispatch for each. */
function partsOf({ rows, columns, matrices }: Stack, flat: Tensor, traits: DeviceTraits) {
  const size = rows * columns;
  const whole = { first: 0, matrices: matrices.length, range: { first: 0, elements: elementsOf(flat.shape) } };
  const single = matrices.map(({ offset }, first) => ({
    first,
    matrices: 1,
    range: { first: offset, elements: size },
  }));
  const parts = whole.range.elements * 4 <= traits.maxBindingBytes ? [whole] : single;
  return parts.map(({ range, ...part }) => ({
    flat: { tensor: flat, range },
    constants: { rows, columns, first: part.first, matrices: part.matrices, bound: range.first },
    workgroups: linearWorkgroups(part.matrices * size, 256, traits),
  }));
}

// Compression of what was trained, on the device: what is read back is a few percent of the parameters. The payload's bytes are
// made of the records by the codec (client/exchange/codec/recorded.ts), whose own encoder is the reference.

import { compress as wgsl } from '../generated/compress.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect } from '../plan/expect.ts';
import type { Attributes, DeviceTraits, Kernel, Tensor } from '../plan/op.ts';
import { splitElements, splitRows } from '../plan/split.ts';
import { bytesReference, correctedReference, differenceReference, largestReference } from './compress.reference.ts';
import { listCoefficients, listDescent } from './dct.ts';
import { byteBlockElements, largestShape, topkBlockElements } from './records.ts';
import type { LargestSettings } from './records.ts';

/** What records say of the change of the parameters. */
export type CompressedForm =
  | { readonly kind: 'bytes' }
  | { readonly kind: 'largest'; readonly feedback: boolean; readonly settings: LargestSettings }
  | {
      readonly kind: 'coefficients';
      readonly feedback: boolean;
      readonly settings: LargestSettings;
      /** Where gradients are what changes: the state that holds them, and the norm that they are clipped to, 0 for none. */
      readonly gradients: { readonly name: string; readonly maxNorm: number } | null;
    };

/** What becomes of the residual before a difference is corrected with it. */
export const settlement = { none: 0, accepted: 1, refused: 2, replaced: 3 } as const;

/**
 * Lists what makes records of the flat parameter vector [P], all parameters being declared. Inputs: `compress.start` [P], the
 * agreed parameters, unless gradients are compressed, and with feedback `compress.settings` [2]: its decay, and a `settlement`.
 * `compress.records` can be read.
 * @param form.feedback whether what is not said is added to the next difference
 */
export function compressParameters(builder: PlanBuilder, form: CompressedForm): void {
  if (form.kind === 'coefficients') return listCoefficientsOf(builder, form);
  const trained = builder.parameters();
  const elements = trained.shape[0]!;
  const start = builder.input('compress.start', [elements]);
  const plain = () => builder.op(differenceKernel, [trained, start], {}, ['compress.wanted'])[0];
  const name = 'compress.records';
  if (form.kind === 'bytes') return void builder.readable(builder.op(bytesKernel, [plain()], {}, [name])[0]);
  const attributes = { ...form.settings };
  if (!form.feedback) return void builder.readable(builder.op(largestKernel, [plain()], attributes, [name])[0]);
  const [residual, wanted, rest] = ['residual', 'wanted', 'rest'].map((of) =>
    builder.state(`compress.${of}`, [elements]),
  );
  builder.update(
    correctedKernel,
    [trained, start, builder.input('compress.settings', [2]), rest!],
    [residual!, wanted!],
  );
  const { blocks, stride } = largestShape(elements, form.settings);
  const records = builder.temporary(name, [blocks * stride], 'u32');
  builder.opInto(largestKernel, [wanted!], [records, rest!], attributes);
  builder.readable(records);
}

function listCoefficientsOf(
  builder: PlanBuilder,
  { feedback, settings, gradients }: CompressedForm & { kind: 'coefficients' },
): void {
  const { shape } = builder.parameters();
  const state = (of: string): Tensor => builder.state(`compress.${of}`, shape);
  const change =
    gradients === null
      ? builder.op(differenceKernel, [builder.parameters(), builder.input('compress.start', shape)], {}, ['change'])[0]
      : listDescent(builder, builder.state(gradients.name, shape), gradients.maxNorm);
  if (!feedback) return void listCoefficients(builder, change, settings, null);
  const states = { residual: state('residual'), wanted: state('wanted'), rest: state('rest') };
  listCoefficients(builder, change, settings, { ...states, settings: builder.input('compress.settings', [2]) });
}

/** [trained [n], start [n]] -> [their difference [n]]. */
export const differenceKernel: Kernel = {
  name: 'difference',
  infer: ([trained]) => [{ shape: [vector('difference', trained)], dtype: 'f32' }],
  dispatches({ inputs, outputs }, traits) {
    const [trained, start] = inputs as [Tensor, Tensor];
    return splitElements(trained.shape[0]!, traits).map((range) => {
      const part = (tensor: Tensor) => ({ tensor, range });
      const tensors = { trained: part(trained), start: part(start), wanted: part(outputs[0]!) };
      const workgroups = linearWorkgroups(range.elements, 64, traits);
      return dispatch(wgsl, { entryPoint: 'difference', tensors, constants: { elements: range.elements }, workgroups });
    });
  },
  reference: differenceReference,
};

/** [trained [n], start [n], settings [2], rest [n]] changes [residual [n], wanted [n]]: see `compressParameters`. */
export const correctedKernel: Kernel = {
  name: 'corrected',
  inPlace: true,
  infer([trained]) {
    const shape = [vector('corrected', trained)];
    return [
      { shape, dtype: 'f32' },
      { shape, dtype: 'f32' },
    ];
  },
  dispatches({ inputs, outputs }, traits) {
    const [trained, start, settings, rest] = inputs as [Tensor, Tensor, Tensor, Tensor];
    const [residual, wanted] = outputs as [Tensor, Tensor];
    return splitElements(trained.shape[0]!, traits).map((range) => {
      const part = (tensor: Tensor) => ({ tensor, range });
      const read = { trained: part(trained), start: part(start), settings, rest: part(rest) };
      const tensors = { ...read, residual: part(residual), wanted: part(wanted) };
      const workgroups = linearWorkgroups(range.elements, 64, traits);
      return dispatch(wgsl, { entryPoint: 'corrected', tensors, constants: { elements: range.elements }, workgroups });
    });
  },
  reference: correctedReference,
};

/** [x [n]] -> [records u32 of the largest elements of each block, what they do not say [n]]; attributes: LargestSettings. */
export const largestKernel: Kernel = {
  name: 'largest',
  infer([x], attributes) {
    const elements = vector('largest', x);
    const { blocks, stride } = largestShape(elements, settingsIn(attributes));
    return [
      { shape: [blocks * stride], dtype: 'u32' },
      { shape: [elements], dtype: 'f32' },
    ];
  },
  dispatches({ inputs, outputs, attributes }, traits) {
    const [x, [records, unsaid]] = [inputs[0]!, outputs as [Tensor, Tensor]];
    const { bits, ...settings } = settingsIn(attributes);
    const { stride, isDense, sentOf } = largestShape(x.shape[0]!, { bits, ...settings });
    return parts(x, topkBlockElements, traits).map(({ firstBlock, blocks, range }) => {
      const lastLength = range.elements - (blocks - 1) * topkBlockElements;
      const sizes = { elements: range.elements, blocks, stride, lanes: traits.isCpu ? 4 : 128 };
      return dispatch(wgsl, {
        entryPoint: 'largest_elements',
        tensors: {
          x: { tensor: x, range },
          records: { tensor: records, range: { first: firstBlock * stride, elements: blocks * stride } },
          unsaid: { tensor: unsaid, range },
        },
        constants: { ...sizes, bits, dense: isDense, sent: sentOf(topkBlockElements), last_sent: sentOf(lastLength) },
        workgroups: linearWorkgroups(blocks, 1, traits),
      });
    });
  },
  reference: (inputs, outputs, { attributes }) => largestReference(inputs, outputs, attributes),
};

/** [x [n]] -> [records u32 of a byte an element]. */
export const bytesKernel: Kernel = {
  name: 'bytes',
  infer: ([x]) => [{ shape: [Math.ceil(vector('bytes', x) / byteBlockElements) * byteStride], dtype: 'u32' }],
  dispatches({ inputs, outputs }, traits) {
    const [x, records] = [inputs[0]!, outputs[0]!];
    return parts(x, byteBlockElements, traits).map(({ firstBlock, blocks, range }) =>
      dispatch(wgsl, {
        entryPoint: 'bytes',
        tensors: {
          x: { tensor: x, range },
          records: { tensor: records, range: { first: firstBlock * byteStride, elements: blocks * byteStride } },
        },
        constants: { elements: range.elements, blocks, lanes: traits.isCpu ? 4 : 64 },
        workgroups: linearWorkgroups(blocks, 1, traits),
      }),
    );
  },
  reference: bytesReference,
};

const byteStride = 1 + byteBlockElements / 4;

/** Whole blocks that fit a binding, with their elements. */
function parts({ shape: [elements] }: Tensor, blockElements: number, traits: DeviceTraits) {
  return splitRows(Math.ceil(elements! / blockElements), blockElements, traits).map(({ first, rows }) => {
    const begin = first * blockElements;
    const range = { first: begin, elements: Math.min(rows * blockElements, elements! - begin) };
    return { firstBlock: first, blocks: rows, range };
  });
}

function settingsIn(attributes: Attributes): LargestSettings {
  return attributes as unknown as LargestSettings;
}

function vector(kernel: string, x: Tensor | undefined): number {
  expect(kernel, x?.dtype === 'f32' && x.shape.length === 1, 'its input is no f32 vector');
  return x!.shape[0]!;
}

// Products with a frozen weight that lies quantized. With few rows (decoding) it is unpacked on its way into registers; else into
// scratch that all such products of a program share, and multiplied there, in pieces where it is beyond a binding. The weight has no gradient; that of the other operand is
// such a product again.

import { dequantize as wgsl } from '../generated/dequantize.ts';
import { quantizedGemv as gemvWgsl } from '../generated/quantized-gemv.ts';
import { swiglu, swigluGradient } from '../elementwise/swiglu.ts';
import { constantsOf } from '../matmul/constants.ts';
import { epilogueOf, fuseProduct } from '../matmul/epilogue.ts';
import { gemvKernel, hasFewRows } from '../matmul/gemv.ts';
import type { Scratch } from '../matmul/listing.ts';
import { outputsOf } from '../matmul/listing.ts';
import { matmul } from '../matmul/matmul.ts';
import { matmulReference } from '../matmul/matmul.reference.ts';
import { productOf } from '../matmul/product.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectTensor } from '../plan/expect.ts';
import { InnerOps } from '../plan/inner.ts';
import type { Attributes, CpuPath, DeviceTraits, Dispatch, Kernel, Op, Tensor, View } from '../plan/op.ts';
import { elementsOf } from '../plan/op.ts';
import { splitRows } from '../plan/split.ts';
import type { QuantizedFormat } from './format.ts';
import { bitsOf, dequantizeInto, quantizedSizes } from './format.ts';

/**
 * [x [.., M, K], packed u32, scales, bias? [N]] -> x W (+ bias) [.., M, N]. Attributes: `layout` nn for W [K, N] or nt for
 * W [N, K]; `format` int8 or nf4; `rows` and `width` of W. Ends as a product may (see epilogue.ts). Scales that are not finite
 * give products that are not.
 */
export const quantizedMatmul: Kernel = {
  name: 'quantizedMatmul',
  infer(inputs, attributes) {
    const { weight, format } = weightOf(attributes);
    const { layout } = attributes;
    expect('quantizedMatmul', layout === 'nn' || layout === 'nt', `the layout ${layout}`);
    const sizes = quantizedSizes(format, elementsOf(weight.shape));
    expectTensor('quantizedMatmul', inputs[1], [sizes.words], 'u32');
    expectTensor('quantizedMatmul', inputs[2], [sizes.scales]);
    return matmul.infer([inputs[0]!, weight, ...inputs.slice(3)], { layout: layout! });
  },
  dispatches(op, traits, scratch) {
    const plain = plainProduct(op);
    if (hasFewRows(productOf(plain), constantsOf(plain, productOf(plain)))) return [listFewRows(op, traits, scratch)];
    const [x, packed, scales, ...rest] = op.inputs as [Tensor, Tensor, Tensor, ...Tensor[]];
    const inner = new InnerOps(traits, scratch);
    for (const { shape, attributes, ...place } of piecesOf(plain, traits)) {
      const unpacked = inner.scratch('weight', shape);
      inner.add(unpack(op, { packed, scales, out: unpacked }, place, traits));
      inner.list(matmul, [x, unpacked, ...rest], op.outputs, { ...plain.attributes, ...attributes });
    }
    return inner.dispatches;
  },
  reference(inputs, outputs, op) {
    const [x, packed, scales, ...rest] = inputs as [View, Uint32Array, Float32Array, ...View[]];
    const { weight, format } = weightOf(op.attributes);
    const unpacked = new Float32Array(elementsOf(weight.shape));
    dequantizeInto(unpacked, packed, scales, format);
    matmulReference([x, unpacked, ...rest], outputs, plainProduct(op));
  },
  cpu: quantizedCpu(),
  fuse(op, next, isNeeded) {
    const longer = fuseProduct(plainProduct(op), next, isNeeded);
    if (!longer || next.kernel === swiglu || next.kernel === swigluGradient) return null; // its own kernel knows neither
    const inputs = [...op.inputs.slice(0, 3), ...longer.inputs.slice(2)];
    return { ...op, inputs, outputs: longer.outputs, attributes: { ...op.attributes, ...longer.attributes } };
  },
  adjoint(op, builder) {
    const [x, packed, scales] = op.inputs as [Tensor, Tensor, Tensor];
    const target = builder.contribute(x);
    const layout = op.attributes['layout'] === 'nn' ? 'nt' : 'nn';
    const gradient = builder.gradientOf(op.outputs[0]!)!;
    if (target)
      builder.op(quantizedMatmul, [gradient, packed, scales], [target], { ...op.attributes, layout, gradient: 'a' });
  },
};

function quantizedCpu(): CpuPath {
  return {
    scratch: ({ attributes }) => elementsOf(weightOf(attributes).weight.shape),
    run([x, packed, scales, ...rest], outputs, op, wasm, scratch) {
      const { weight, format } = weightOf(op.attributes);
      const unpacked = scratch.subarray(0, elementsOf(weight.shape));
      dequantizeInto(unpacked, packed as Uint32Array, scales as Float32Array, format);
      matmul.cpu!.run([x!, unpacked, ...rest], outputs, plainProduct(op), wasm, scratch);
    },
  };
}

/** The same product with an f32 weight in place of the packed one. */
function plainProduct(op: Op): Op {
  const { format: _, rows: __, width: ___, ...attributes } = op.attributes;
  const inputs = [op.inputs[0]!, weightOf(op.attributes).weight, ...op.inputs.slice(3)];
  return { ...op, kernel: matmul, inputs, attributes };
}

/** A handle of the unpacked weight, which has no storage of its own. */
function weightOf(attributes: Attributes): { weight: Tensor; format: QuantizedFormat } {
  const shape = [Number(attributes['rows']), Number(attributes['width'])];
  const weight: Tensor = { id: -1, name: 'unpacked weight', shape, dtype: 'f32', role: 'temporary', offset: 0 };
  return { weight, format: attributes['format'] as QuantizedFormat };
}

function listFewRows(op: Op, traits: DeviceTraits, scratch: Scratch): Dispatch {
  const plain = plainProduct(op);
  const product = productOf(plain);
  const [x, packed, scales] = op.inputs as [Tensor, Tensor, Tensor];
  const { bias = x, extra = x } = epilogueOf(plain, plain.inputs);
  const rest = { packed, scales, bias, extra, ...outputsOf(op, scratch) };
  const { entryPoint, workgroups } = gemvKernel(product, traits);
  const bits = bitsOf(weightOf(op.attributes).format);
  const call = { constants: { ...constantsOf(plain, product), bits }, workgroups };
  return entryPoint === 'transposed'
    ? dispatch(gemvWgsl, { entryPoint, tensors: { a_vectors: x, ...rest }, ...call })
    : dispatch(gemvWgsl, { entryPoint, tensors: { a: x, ...rest }, ...call });
}

/** Unpacked weights that fit a binding, each of which makes some columns of C. */
function piecesOf(plain: Op, traits: DeviceTraits) {
  const { n, k } = productOf(plain);
  const width = plain.inputs[1]!.shape[1]!;
  const isWhole = plain.attributes['layout'] === 'nt'; // rows of the weight, not columns
  const parts = splitRows(n, k, traits);
  return parts.map(({ first, rows: columns }) => ({
    shape: isWhole ? [columns, k] : [k, columns],
    first: isWhole ? first * width : first,
    width,
    outWidth: isWhole ? width : columns,
    attributes: parts.length > 1 ? { firstColumn: first, columns: n } : {},
  }));
}

function unpack(
  op: Op,
  tensors: { readonly packed: Tensor; readonly scales: Tensor; readonly out: Tensor },
  { first, width, outWidth }: { readonly first: number; readonly width: number; readonly outWidth: number },
  traits: DeviceTraits,
): Dispatch {
  const elements = elementsOf(tensors.out.shape);
  const bits = bitsOf(weightOf(op.attributes).format);
  return dispatch(wgsl, {
    entryPoint: 'unpack',
    tensors,
    constants: { elements, bits, first, width, out_width: outWidth },
    workgroups: linearWorkgroups(Math.ceil(elements / 4), 64, traits),
  });
}

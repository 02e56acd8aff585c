// Products with a frozen weight that lies quantized: it is unpacked into scratch that all such products of a program share, and
// multiplied there. The weight has no gradient; that of the other operand is such a product again.

import { dequantize as wgsl } from '../generated/dequantize.ts';
import { matmul } from '../matmul/matmul.ts';
import { matmulReference } from '../matmul/matmul.reference.ts';
import { dispatch, linearWorkgroups } from '../plan/dispatch.ts';
import { expect, expectTensor } from '../plan/expect.ts';
import { InnerOps } from '../plan/inner.ts';
import type { Attributes, CpuPath, DeviceTraits, Dispatch, Kernel, Op, Tensor, View } from '../plan/op.ts';
import type { QuantizedFormat } from './format.ts';
import { dequantizeInto, quantizedSizes } from './format.ts';

/**
 * [x [.., M, K], packed u32, scales, bias? [N]] -> x W (+ bias) [.., M, N]. Attributes: `layout` nn for W [K, N] or nt for
 * W [N, K]; `format` int8 or nf4; `rows` and `width` of W. Scales that are not finite give products that are not.
 */
export const quantizedMatmul: Kernel = {
  name: 'quantizedMatmul',
  infer(inputs, attributes) {
    const { weight, format, layout } = weightOf(attributes);
    expect('quantizedMatmul', layout === 'nn' || layout === 'nt', `the layout ${layout}`);
    const sizes = quantizedSizes(format, weight.shape[0]! * weight.shape[1]!);
    expectTensor('quantizedMatmul', inputs[1], [sizes.words], 'u32');
    expectTensor('quantizedMatmul', inputs[2], [sizes.scales]);
    return matmul.infer([inputs[0]!, weight, ...inputs.slice(3)], { layout });
  },
  dispatches(op, traits, scratch) {
    const { weight, format, layout } = weightOf(op.attributes);
    const [x, packed, scales, ...bias] = op.inputs as [Tensor, Tensor, Tensor, ...Tensor[]];
    const inner = new InnerOps(traits, scratch);
    const unpacked = inner.scratch('weight', weight.shape);
    inner.add(unpack(format, packed, scales, unpacked, traits));
    const gradient = op.attributes['gradient'];
    inner.list(matmul, [x, unpacked, ...bias], op.outputs, { layout, ...(gradient !== undefined && { gradient }) });
    return inner.dispatches;
  },
  reference(inputs, outputs, op) {
    const [x, packed, scales, ...bias] = inputs as [View, Uint32Array, Float32Array, ...View[]];
    const { weight, format } = weightOf(op.attributes);
    const unpacked = new Float32Array(weight.shape[0]! * weight.shape[1]!);
    dequantizeInto(unpacked, packed, scales, format);
    matmulReference([x, unpacked, ...bias], outputs, plainProduct(op));
  },
  cpu: quantizedCpu(),
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
    scratch: ({ attributes }) => Number(attributes['rows']) * Number(attributes['width']),
    run([x, packed, scales, ...bias], outputs, op, wasm, scratch) {
      const { weight, format } = weightOf(op.attributes);
      const unpacked = scratch.subarray(0, weight.shape[0]! * weight.shape[1]!);
      dequantizeInto(unpacked, packed as Uint32Array, scales as Float32Array, format);
      matmul.cpu!.run([x!, unpacked, ...bias], outputs, plainProduct(op), wasm, scratch);
    },
  };
}

/** The same product with an f32 weight in place of the packed one. */
function plainProduct(op: Op): Op {
  const { weight, layout } = weightOf(op.attributes);
  return { ...op, kernel: matmul, inputs: [op.inputs[0]!, weight, ...op.inputs.slice(3)], attributes: { layout } };
}

/** A handle of the unpacked weight, which has no storage of its own. */
function weightOf(attributes: Attributes): { weight: Tensor; format: QuantizedFormat; layout: string } {
  const shape = [Number(attributes['rows']), Number(attributes['width'])];
  const weight: Tensor = { id: -1, name: 'unpacked weight', shape, dtype: 'f32', role: 'temporary', offset: 0 };
  return { weight, format: attributes['format'] as QuantizedFormat, layout: String(attributes['layout']) };
}

function unpack(format: QuantizedFormat, packed: Tensor, scales: Tensor, out: Tensor, traits: DeviceTraits): Dispatch {
  const words = packed.shape[0]!;
  const call = {
    tensors: { packed, scales, out },
    constants: { words, elements: out.shape[0]! * out.shape[1]! },
    workgroups: linearWorkgroups(words, 64, traits),
  };
  return format === 'int8'
    ? dispatch(wgsl, { entryPoint: 'int8', ...call })
    : dispatch(wgsl, { entryPoint: 'nf4', ...call });
}

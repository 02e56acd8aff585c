// onnxruntime-web with its WebGPU provider, on models that our own exporter writes. It runs models and trains none, so that it
// takes part in products, attention and forward passes. Operands and results stay on its device.

import type * as Ort from 'onnxruntime-web';
import { exportOnnx } from '../../../../client/models/onnx/export.ts';
import { OnnxGraph } from '../../../../client/models/onnx/graph.ts';
import { attention, listPositions } from '../../../../client/models/onnx/layers.ts';
import type { Contestant, Work } from '../work.ts';
import { meanSize } from '../work.ts';

const options: Ort.InferenceSession.SessionOptions = {
  executionProviders: ['webgpu'],
  preferredOutputLocation: 'gpu-buffer',
  logSeverityLevel: 3, // errors
};
const usage = { storage: 0x80, copyDestination: 0x8, copySource: 0x4 };

/** @param ort the package's module with the WebGPU provider */
export function openOrt(ort: typeof Ort): Contestant {
  ort.env.wasm.numThreads = 1;
  return {
    name: 'ort',
    async gemm({ n, a, b }) {
      const graph = new OnnxGraph();
      graph.node('MatMul', [graph.input('a', 'float32', [n, n]), graph.input('b', 'float32', [n, n])], {}, 'out');
      graph.output('out', [n, n]);
      const session = await ort.InferenceSession.create(graph.file('gemm', 'bench'), options);
      return open(ort, session, { a: await upload(ort, a, [n, n]), b: await upload(ort, b, [n, n]) });
    },
    async attention({ batch, time, heads, headSize, qkv }) {
      const graph = new OnnxGraph();
      const shape = [batch, time, 3 * heads * headSize];
      const input = graph.input('qkv', 'float32', shape);
      const layer = { heads, kvHeads: heads, headSize, rotary: null };
      const mixed = attention(graph, input, listPositions(graph, input), layer, time);
      graph.node('Identity', [mixed], {}, 'out');
      graph.output('out', [batch, time, heads * headSize]);
      const session = await ort.InferenceSession.create(graph.file('attention', 'bench'), options);
      return open(ort, session, { qkv: await upload(ort, qkv, shape) });
    },
    async forward({ shape, parameters, tokens }) {
      const arrays = Object.entries(parameters).map(([name, array]) => ({ name, ...array }));
      const file = exportOnnx({ kind: 'gpt', ...shape, positions: 'learned', norm: 'layer' }, arrays);
      const session = await ort.InferenceSession.create(file, options);
      const ids = new ort.Tensor('int64', BigInt64Array.from(tokens, BigInt), [shape.batch, shape.context]);
      return open(ort, session, { input_ids: ids });
    },
  };
}

function open(ort: typeof Ort, session: Ort.InferenceSession, feeds: Record<string, Ort.Tensor>): Work {
  const [output] = session.outputNames as [string];
  let last: Ort.Tensor | null = null;
  return {
    async run() {
      const results = await session.run(feeds);
      last?.dispose();
      last = results[output]!;
    },
    finish: async () => (await deviceOf(ort)).queue.onSubmittedWorkDone(),
    check: async () => meanSize((await last!.getData()) as Float32Array),
    destroy() {
      last?.dispose();
      void session.release();
    },
  };
}

async function upload(ort: typeof Ort, data: Float32Array, dims: readonly number[]): Promise<Ort.Tensor> {
  const device = await deviceOf(ort);
  const all = usage.storage | usage.copyDestination | usage.copySource;
  const buffer = device.createBuffer({ size: data.byteLength, usage: all });
  device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
  return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
}

/** There once a session is. */
async function deviceOf(ort: typeof Ort): Promise<GPUDevice> {
  return (await ort.env.webgpu.device) as GPUDevice;
}

// Child process of driver.mjs: opens the adapter that Dawn finds in this environment, runs a tiny kernel and prints what it
// is as one line of JSON. A missing or broken driver may print nothing, crash or hang; the parent allows for each.

import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
globalThis.loomosGpu = create([]); // must stay referenced, or the process dies when it is collected
const adapter = await globalThis.loomosGpu.requestAdapter({ powerPreference: 'high-performance' });
if (adapter === null) process.exit(3);
const device = await adapter.requestDevice();
const values = await runKernel(device);
const { vendor, architecture, device: model, description, isFallbackAdapter } = adapter.info;
const isRight = values.every((value, i) => value === i * 2 + 1);
console.log(JSON.stringify({ isRight, isFallbackAdapter, vendor, architecture, model, description }));
device.destroy();
process.exit(0);

async function runKernel(device) {
  const code = `@group(0) @binding(0) var<storage, read_write> data: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { data[id.x] = f32(id.x) * 2 + 1; }`;
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const data = device.createBuffer({ size: 256, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const copy = device.createBuffer({ size: 256, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: data } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(data, 0, copy, 0, 256);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(GPUMapMode.READ);
  return new Float32Array(copy.getMappedRange().slice(0));
}

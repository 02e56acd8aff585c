// Made from kernels/elementwise/gelu.wgsl by `npm run generate`. Do not edit.
import { geluPrelude } from './prelude/gelu.ts';

const entryPoints = {
  forward: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements"],
    optional: [],
  },
  backward: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"out","access":"write","type":"array<f32>"},
      {"number":2,"name":"gradient","access":"read","type":"array<f32>"},
    ],
    required: ["elements"],
    optional: [],
  },
} as const;

const code = [`// GELU and its gradient, one element an invocation.
// with: gelu

override elements: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;

@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  out[i] = x[i] * gelu_gate(x[i]);
}

@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  out[i] = gradient[i] * gelu_slope(x[i]);
}`, geluPrelude].join('\n\n');

export const gelu = { name: 'gelu', entryPoints, code } as const;

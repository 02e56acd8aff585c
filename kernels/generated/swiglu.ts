// Made from kernels/elementwise/swiglu.wgsl by `npm run generate`. Do not edit.
import { storedPrelude } from './prelude/stored.ts';
import { swigluPrelude } from './prelude/swiglu.ts';

const entryPoints = {
  forward: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<X>","stored":"X"},
      {"number":1,"name":"out","access":"write","type":"array<Out>","stored":"Out"},
    ],
    required: ["elements","width"],
    optional: ["out_scale"],
  },
  backward: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<X>","stored":"X"},
      {"number":1,"name":"out","access":"write","type":"array<Out>","stored":"Out"},
      {"number":2,"name":"gradient","access":"read","type":"array<Gradient>","stored":"Gradient"},
    ],
    required: ["elements","width"],
    optional: ["gradient_scale","out_scale"],
  },
} as const;

const code = [`// SwiGLU and its gradient, one element of the output an invocation. A row of x [R, 2 F] holds F gates, then F values.
// with: stored, swiglu

override elements: u32; // R * F
override width: u32; // F
override gradient_scale: f32 = 1;
override out_scale: f32 = 1;

alias X = f32;
alias Out = f32;
const out_is_half = Out(2049) == Out(2048);
alias Gradient = f32;

@group(0) @binding(0) var<storage, read> x: array<X>; // [R, 2 F]
@group(0) @binding(1) var<storage, read_write> out: array<Out>; // forward [R, F], backward [R, 2 F]
@group(0) @binding(2) var<storage, read> gradient: array<Gradient>; // [R, F]

@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  let at = i / width * width + i; // of the gate
  put(i, swiglu_of(vec2f(vec2(x[at], x[at + width]))));
}

@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  let at = i / width * width + i;
  let slopes = swiglu_gradients(vec2f(vec2(x[at], x[at + width])), f32(gradient[i]) / gradient_scale);
  put(at, slopes.x);
  put(at + width, slopes.y);
}

fn put(at: u32, value: f32) {
  out[at] = Out(storable(value * out_scale, out_is_half));
}`, storedPrelude, swigluPrelude].join('\n\n');

export const swiglu = { name: 'swiglu', entryPoints, code } as const;

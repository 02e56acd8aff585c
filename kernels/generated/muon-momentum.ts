// Made from kernels/muon/muon-momentum.wgsl by `npm run generate`. Do not edit.
import { clipPrelude } from './prelude/clip.ts';
import { muonPlacePrelude } from './prelude/muon-place.ts';

const entryPoints = {
  update: {
    bindings: [
      {"number":0,"name":"places","access":"read","type":"array<vec2u>"},
      {"number":1,"name":"hyper","access":"read","type":"Hyper"},
      {"number":2,"name":"gradients","access":"read","type":"array<f32>"},
      {"number":3,"name":"squares","access":"read","type":"array<f32>"},
      {"number":4,"name":"momenta","access":"write","type":"array<f32>"},
    ],
    required: ["bound","columns","first","matrices","rows"],
    optional: [],
  },
  look_ahead: {
    bindings: [
      {"number":0,"name":"places","access":"read","type":"array<vec2u>"},
      {"number":1,"name":"hyper","access":"read","type":"Hyper"},
      {"number":2,"name":"gradients","access":"read","type":"array<f32>"},
      {"number":3,"name":"squares","access":"read","type":"array<f32>"},
      {"number":5,"name":"updated","access":"read","type":"array<f32>"},
      {"number":6,"name":"ahead","access":"write","type":"array<f32>"},
    ],
    required: ["bound","columns","first","matrices","rows"],
    optional: [],
  },
} as const;

const code = [`// Muon's momentum of a stack of matrices: an exponential mean of the clipped gradients, and Nesterov's look ahead along it.
// with: clip, muon-place

@group(0) @binding(2) var<storage, read> gradients: array<f32>;
@group(0) @binding(3) var<storage, read> squares: array<f32>; // [1], of the whole gradient
@group(0) @binding(4) var<storage, read_write> momenta: array<f32>; // the stack

@compute @workgroup_size(256)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = id.y * groups.x * 256 + id.x;
  if (!is_inside(element)) { return; }
  let at = first * rows * columns + element;
  let gradient = gradients[flat_place(element)] * clip_factor(squares[0], hyper.max_norm);
  momenta[at] = hyper.momentum * momenta[at] + (1 - hyper.momentum) * gradient;
}

@group(0) @binding(5) var<storage, read> updated: array<f32>; // the momenta after \`update\`
@group(0) @binding(6) var<storage, read_write> ahead: array<f32>; // the stack

@compute @workgroup_size(256)
fn look_ahead(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = id.y * groups.x * 256 + id.x;
  if (!is_inside(element)) { return; }
  let at = first * rows * columns + element;
  let gradient = gradients[flat_place(element)] * clip_factor(squares[0], hyper.max_norm);
  ahead[at] = hyper.momentum * updated[at] + (1 - hyper.momentum) * gradient;
}`, clipPrelude, muonPlacePrelude].join('\n\n');

export const muonMomentum = { name: 'muon-momentum', entryPoints, code } as const;

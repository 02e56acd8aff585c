// Made from kernels/elementwise/sum.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  sum: {
    bindings: [
      {"number":0,"name":"a","access":"read","type":"array<f32>"},
      {"number":1,"name":"b","access":"read","type":"array<f32>"},
      {"number":2,"name":"c","access":"read","type":"array<f32>"},
      {"number":3,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements","inputs"],
    optional: [],
  },
} as const;

const code = [`// Sums two or three tensors of one shape; with one input it copies. Elements are shared out over the whole dispatch.

override elements: u32;
override inputs: u32; // 1, 2 or 3; unused inputs are bound to any buffer

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn sum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements) { return; }
  var total = a[i];
  if (inputs > 1) { total += b[i]; }
  if (inputs > 2) { total += c[i]; }
  out[i] = total;
}`].join('\n\n');

export const sum = { name: 'sum', entryPoints, code } as const;

// Made from kernels/reduce/reduce.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  sum: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements","sums"],
    optional: ["first"],
  },
  sum_squares: {
    bindings: [
      {"number":0,"name":"x","access":"read","type":"array<f32>"},
      {"number":1,"name":"out","access":"write","type":"array<f32>"},
    ],
    required: ["elements","sums"],
    optional: ["first"],
  },
} as const;

const code = [`// Sums a vector, or its squares, for software adapters, in an order that never changes: invocation i sums the elements i,
// i + sums, i + 2 sums, … Two or three such passes leave one number; no workgroup memory, no atomics, every load coalesced.

override elements: u32; // of x
override sums: u32; // elements of out that this dispatch writes
override first: u32 = 0; // where in out they begin

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sums) { return; }
  var total = 0.0;
  for (var i = id.x; i < elements; i += sums) { total += x[i]; }
  out[first + id.x] = total;
}

@compute @workgroup_size(64)
fn sum_squares(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sums) { return; }
  var total = 0.0;
  for (var i = id.x; i < elements; i += sums) { total += x[i] * x[i]; }
  out[first + id.x] = total;
}`].join('\n\n');

export const reduce = { name: 'reduce', entryPoints, code } as const;

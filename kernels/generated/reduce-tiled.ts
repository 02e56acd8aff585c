// Made from kernels/reduce/reduce-tiled.wgsl by `npm run generate`. Do not edit.

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

const code = [`// Sums a vector, or its squares, for GPUs, in an order that never changes: a workgroup leaves one sum, its lanes take elements in
// turn and are summed by a tree of fixed shape. Bindings and meaning are those of reduce.wgsl.

const lanes = 256u;

override elements: u32; // of x
override sums: u32; // elements of out that this dispatch writes: workgroups
override first: u32 = 0; // where in out they begin

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

var<workgroup> partials: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn sum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var i = group.x * lanes + lane; i < elements; i += sums * lanes) { total += x[i]; }
  finish(total, group.x, lane);
}

@compute @workgroup_size(lanes)
fn sum_squares(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var i = group.x * lanes + lane; i < elements; i += sums * lanes) { total += x[i] * x[i]; }
  finish(total, group.x, lane);
}

fn finish(total: f32, group: u32, lane: u32) {
  partials[lane] = total;
  for (var span = lanes / 2; span > 0; span /= 2) {
    workgroupBarrier();
    if (lane < span) { partials[lane] += partials[lane + span]; }
  }
  if (lane == 0) { out[first + group] = partials[0]; }
}`].join('\n\n');

export const reduceTiled = { name: 'reduce-tiled', entryPoints, code } as const;

// Made from kernels/embedding/embedding-gradient.wgsl by `npm run generate`. Do not edit.
export const embeddingGradient = {
  name: 'embedding-gradient',
  entryPoints: {
    rank: {
      bindings: [
        {"number":0,"name":"tokens","access":"read","type":"array<u32>"},
        {"number":1,"name":"order","access":"write","type":"array<u32>"},
        {"number":2,"name":"runs","access":"write","type":"array<u32>"},
      ],
      required: ["rows"],
      optional: [],
    },
    clear: {
      bindings: [
        {"number":0,"name":"cleared","access":"write","type":"array<f32>"},
      ],
      required: ["elements"],
      optional: [],
    },
    gather: {
      bindings: [
        {"number":0,"name":"tokens","access":"read","type":"array<u32>"},
        {"number":1,"name":"sorted","access":"read","type":"array<u32>"},
        {"number":2,"name":"lengths","access":"read","type":"array<u32>"},
        {"number":3,"name":"gradient","access":"read","type":"array<f32>"},
        {"number":4,"name":"table_gradient","access":"write","type":"array<f32>"},
      ],
      required: ["rows","width"],
      optional: [],
    },
    positions: {
      bindings: [
        {"number":0,"name":"output_gradient","access":"read","type":"array<f32>"},
        {"number":1,"name":"position_gradient","access":"write","type":"array<f32>"},
      ],
      required: ["elements","rows","time","width"],
      optional: [],
    },
  },
  code: `// Embedding backward without atomics, in a fixed order. WGSL has no float atomics, so the rows are sorted by token first:
// \`rank\` finds each row's place by counting (R * R comparisons of u32: nothing beside a matmul), \`gather\` sums each run of
// equal tokens in order of appearance, after \`clear\` has zeroed the rows of tokens that do not appear.

override rows: u32; // R = B * T
override time: u32; // T
override width: u32; // C
override elements: u32; // of the output

@group(0) @binding(0) var<storage, read> tokens: array<u32>; // [R]
@group(0) @binding(1) var<storage, read_write> order: array<u32>; // [R], row numbers sorted by token, stable
@group(0) @binding(2) var<storage, read_write> runs: array<u32>; // [R], length of the run that begins at this slot, or 0

@compute @workgroup_size(64)
fn rank(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= rows) { return; }
  let token = tokens[row];
  var smaller = 0u;
  var before = 0u;
  var equal = 0u;
  for (var other = 0u; other < rows; other++) {
    let value = tokens[other];
    smaller += u32(value < token);
    equal += u32(value == token);
    before += u32(value == token && other < row);
  }
  order[smaller + before] = row;
  runs[smaller + before] = select(0u, equal, before == 0u);
}

@group(0) @binding(0) var<storage, read_write> cleared: array<f32>; // [V, C]

@compute @workgroup_size(64)
fn clear(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index < elements) { cleared[index] = 0; }
}

@group(0) @binding(1) var<storage, read> sorted: array<u32>; // order
@group(0) @binding(2) var<storage, read> lengths: array<u32>; // runs
@group(0) @binding(3) var<storage, read> gradient: array<f32>; // [R, C]
@group(0) @binding(4) var<storage, read_write> table_gradient: array<f32>; // [V, C]

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= rows * width) { return; }
  let slot = index / width;
  let column = index % width;
  let length = lengths[slot];
  if (length == 0) { return; }
  var sum = 0.0;
  for (var next = slot; next < slot + length; next++) { sum += gradient[sorted[next] * width + column]; }
  table_gradient[tokens[sorted[slot]] * width + column] = sum;
}

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [R, C]
@group(0) @binding(1) var<storage, read_write> position_gradient: array<f32>; // [>= T, C]

@compute @workgroup_size(64)
fn positions(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index >= elements) { return; }
  var sum = 0.0;
  if (index < time * width) {
    for (var at = index; at < rows * width; at += time * width) { sum += output_gradient[at]; }
  }
  position_gradient[index] = sum;
}
`,
} as const;

// Made from kernels/embedding/embedding-gradient.wgsl by `npm run generate`. Do not edit.

const entryPoints = {
  gather: {
    bindings: [
      {"number":0,"name":"sorted_rows","access":"read","type":"array<u32>"},
      {"number":1,"name":"sorted_tokens","access":"read","type":"array<u32>"},
      {"number":2,"name":"gradient","access":"read","type":"array<f32>"},
      {"number":3,"name":"table_gradient","access":"write","type":"array<f32>"},
      {"number":4,"name":"addend","access":"read","type":"array<f32>"},
      {"number":5,"name":"position_gradient","access":"write","type":"array<f32>"},
    ],
    required: ["adds","elements","position_elements","rows","time","width"],
    optional: [],
  },
  positions: {
    bindings: [
      {"number":2,"name":"gradient","access":"read","type":"array<f32>"},
      {"number":5,"name":"position_gradient","access":"write","type":"array<f32>"},
    ],
    required: ["position_elements","rows","time","width"],
    optional: [],
  },
} as const;

const code = [`// Embedding backward without atomics, in a fixed order. WGSL has no float atomics, so the rows have been sorted by token:
// \`gather\` sums the rows of each token, which lie together, in order of appearance; its last invocations sum the rows of each
// position over the batch.

override rows: u32; // R = B * T
override time: u32; // T
override width: u32; // C
override elements: u32; // of the output

@group(0) @binding(0) var<storage, read> sorted_rows: array<u32>; // [R], row numbers sorted by token, stable
@group(0) @binding(1) var<storage, read> sorted_tokens: array<u32>; // [R], their tokens
@group(0) @binding(2) var<storage, read> gradient: array<f32>; // [R, C]
@group(0) @binding(3) var<storage, read_write> table_gradient: array<f32>; // [V, C]
@group(0) @binding(4) var<storage, read> addend: array<f32>; // [V, C]; any buffer if unused

override adds: bool; // another contribution to the gradient of the table is added

/// The first place in the sorted rows whose token is not below \`token\`.
fn first_of(token: u32) -> u32 {
  var low = 0u;
  var high = rows;
  while (low < high) {
    let middle = (low + high) / 2;
    if (sorted_tokens[middle] < token) { low = middle + 1; } else { high = middle; }
  }
  return low;
}

override position_elements: u32; // of the gradient of positions; 0: it is not wanted

@group(0) @binding(5) var<storage, read_write> position_gradient: array<f32>; // [>= T, C]

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index < elements) { gather_token(index); }
  else if (index - elements < position_elements) { sum_position(index - elements); }
}

fn gather_token(index: u32) {
  let token = index / width;
  var sum = 0.0;
  for (var next = first_of(token); next < rows && sorted_tokens[next] == token; next++) {
    sum += gradient[sorted_rows[next] * width + index % width];
  }
  if (adds) { sum += addend[index]; }
  table_gradient[index] = sum;
}

@compute @workgroup_size(64)
fn positions(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * 64 + id.x;
  if (index < position_elements) { sum_position(index); }
}

fn sum_position(index: u32) {
  var sum = 0.0;
  if (index < time * width) {
    for (var at = index; at < rows * width; at += time * width) { sum += gradient[at]; }
  }
  position_gradient[index] = sum;
}`].join('\n\n');

export const embeddingGradient = { name: 'embedding-gradient', entryPoints, code } as const;

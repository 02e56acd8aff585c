// Made from kernels/dropout/dropout.wgsl by `npm run generate`. Do not edit.
export const dropout = {
  name: 'dropout',
  entryPoints: {
    drop: {
      bindings: [
        {"number":0,"name":"x","access":"read","type":"array<f32>"},
        {"number":1,"name":"seed","access":"read","type":"array<u32>"},
        {"number":2,"name":"out","access":"write","type":"array<f32>"},
      ],
      required: ["elements","factor","site","threshold"],
      optional: [],
    },
  },
  code: `// Dropout whose mask is a function of seed, site and element: made again in the backward pass, never stored.

override elements: u32;
override site: u32; // of the model; two sites have independent masks
override threshold: u32; // rate * 2^32: an element whose random bits are below it is dropped
override factor: f32; // 1 / (1 - rate)

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> seed: array<u32>; // [1], another one for each run
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

// <prelude random>
// Counter-based random numbers: the same seed and counter give the same bits everywhere, in any order. The mixer is
// splitmix32's with Ellis' lowbias32 constants, as in shared/random.ts.

fn mix_bits(value: u32) -> u32 {
  var z = (value ^ (value >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

fn random_bits(seed: u32, counter: u32) -> u32 {
  return mix_bits(mix_bits(counter + 0x9e3779b9u) ^ seed);
}

/// In [0, 1), a multiple of 2^-24.
fn random_uniform(seed: u32, counter: u32) -> f32 {
  return f32(random_bits(seed, counter) >> 8) * 0x1p-24;
}
// </prelude>

@compute @workgroup_size(64)
fn drop(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= elements) { return; }
  let is_kept = random_bits(random_bits(seed[0], site), i) >= threshold;
  if (is_kept) { out[i] = x[i] * factor; } else { out[i] = 0; }
}
`,
} as const;

// Dropout whose mask is a function of seed, site and element: made again in the backward pass, never stored.
// with: random

override elements: u32;
override site: u32; // of the model; two sites have independent masks
override threshold: u32; // rate * 2^32: an element whose random bits are below it is dropped
override factor: f32; // 1 / (1 - rate)

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> seed: array<u32>; // [1], another one for each run
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn drop(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= elements) { return; }
  let is_kept = random_bits(random_bits(seed[0], site), i) >= threshold;
  if (is_kept) { out[i] = x[i] * factor; } else { out[i] = 0; }
}

// y = kept y + added x, in place; with kept = 0 whatever y held is forgotten, NaN too.

override vectors: u32; // four elements each

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [2]: kept, added
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn blend(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= vectors) { return; }
  let added = weights[1] * x[i];
  if (weights[0] == 0) { y[i] = added; } else { y[i] = weights[0] * y[i] + added; }
}

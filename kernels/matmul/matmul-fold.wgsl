// Sums what the parts of a product left behind, in their order: the second pass of a sum over k that several workgroups share.
// with: stored

override parts: u32;
override elements: u32; // m * n of the product
override columns: u32; // of its column sums, which lie behind; 0 for none
override c_scale: f32 = 1;

alias C = f32;
const c_is_half = C(2049) == C(2048);

@group(0) @binding(0) var<storage, read> partials: array<f32>; // [parts, elements + columns]
@group(0) @binding(1) var<storage, read_write> c: array<C>; // [elements]
@group(0) @binding(2) var<storage, read_write> second: array<f32>; // [columns]; a scratch if unused

@compute @workgroup_size(256)
fn fold(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 256 + id.x;
  if (i >= elements + columns) { return; }
  var total = 0.0;
  for (var part = 0u; part < parts; part++) { total += partials[part * (elements + columns) + i]; }
  if (i < elements) { c[i] = C(storable(total * c_scale, c_is_half)); } else { second[i - elements] = total; }
}

// Unpacks a quantized weight into f32, four elements an invocation.
// with: quantized

override elements: u32; // of `out`
override first: u32 = 0; // the element of the weight that `out` begins with
override width: u32 = elements; // of a row of the weight
override out_width: u32 = width; // of a row of `out`, which may be some columns of the weight

@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn unpack(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  prepare(lane);
  let at = id.y * groups.x * 64 + id.x;
  if (at * 4 >= elements) { return; }
  let is_aligned = out_width == width || (width % 4 == 0 && out_width % 4 == 0);
  if (is_aligned && first % 4 == 0) {
    let four = b_vector(place_of(at * 4) / 4);
    for (var i = 0u; i < 4 && at * 4 + i < elements; i++) { out[at * 4 + i] = four[i]; }
    return;
  }
  for (var i = at * 4; i < min(at * 4 + 4, elements); i++) { out[i] = b_element(place_of(i)); }
}

/// Where an element of `out` lies in the weight.
fn place_of(at: u32) -> u32 {
  return first + at / out_width * width + at % out_width;
}

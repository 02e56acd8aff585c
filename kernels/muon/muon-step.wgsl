// Muon's step: a stack of orthogonalised directions into the flat parameter vector.
// with: muon-place

override factor: f32; // 0.2 sqrt(columns): the step's root mean square is then about that of AdamW
override decays: bool;

@group(0) @binding(2) var<storage, read> directions: array<f32>; // the stack
@group(0) @binding(3) var<storage, read_write> parameters: array<f32>;

@compute @workgroup_size(256)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = id.y * groups.x * 256 + id.x;
  if (!is_inside(element)) { return; }
  let at = flat_place(element);
  var kept = parameters[at];
  if (decays) { kept *= 1 - hyper.learning_rate * hyper.weight_decay; }
  parameters[at] = kept - hyper.learning_rate * factor * directions[first * rows * columns + element];
}

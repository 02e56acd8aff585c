// Muon's momentum of a stack of matrices: an exponential mean of the clipped gradients, and Nesterov's look ahead along it.
// with: clip, muon-place

@group(0) @binding(2) var<storage, read> gradients: array<f32>;
@group(0) @binding(3) var<storage, read> squares: array<f32>; // [1], of the whole gradient
@group(0) @binding(4) var<storage, read_write> momenta: array<f32>; // the stack

@compute @workgroup_size(256)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = id.y * groups.x * 256 + id.x;
  if (!is_inside(element)) { return; }
  let at = first * rows * columns + element;
  let gradient = gradients[flat_place(element)] * clip_factor(squares[0], hyper.max_norm);
  momenta[at] = hyper.momentum * momenta[at] + (1 - hyper.momentum) * gradient;
}

@group(0) @binding(5) var<storage, read> updated: array<f32>; // the momenta after `update`
@group(0) @binding(6) var<storage, read_write> ahead: array<f32>; // the stack

@compute @workgroup_size(256)
fn look_ahead(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = id.y * groups.x * 256 + id.x;
  if (!is_inside(element)) { return; }
  let at = first * rows * columns + element;
  let gradient = gradients[flat_place(element)] * clip_factor(squares[0], hyper.max_norm);
  ahead[at] = hyper.momentum * updated[at] + (1 - hyper.momentum) * gradient;
}

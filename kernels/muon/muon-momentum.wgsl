// Muon's momentum of a stack of matrices: an exponential mean of the clipped gradients, and Nesterov's look ahead along it.

// <prelude clip>
/// What a gradient is multiplied by, as torch.nn.utils.clip_grad_norm_ does it; a max_norm of 0 clips nothing.
fn clip_factor(squares: f32, max_norm: f32) -> f32 {
  if (max_norm == 0) { return 1; }
  return min(1, max_norm / (sqrt(squares) + 1e-6));
}
// </prelude>

// <prelude muon-place>
// Stacks: matrices of one shape, each [rows, columns] with rows <= columns, one after another; in the flat vector a matrix
// may lie the other way. An invocation handles one element of a stack.

override rows: u32;
override columns: u32;
override first: u32; // matrix of the stack
override matrices: u32; // of this dispatch
override bound: u32; // element of the flat vector at which its bindings begin

/// `muonHyper` in muon.ts writes it.
struct Hyper {
  learning_rate: f32,
  momentum: f32,
  weight_decay: f32,
  max_norm: f32,
}

@group(0) @binding(0) var<storage, read> places: array<vec2u>; // offset in the flat vector, 1 if the matrix lies [columns, rows]
@group(0) @binding(1) var<storage, read> hyper: Hyper;

fn is_inside(element: u32) -> bool { return element < matrices * rows * columns; }

/// Where an element of the stack, counted from matrix `first`, lies in the flat vector's binding.
fn flat_place(element: u32) -> u32 {
  let place = places[first + element / (rows * columns)];
  let within = element % (rows * columns);
  if (place.y == 0) { return place.x - bound + within; }
  return place.x - bound + within % columns * rows + within / columns;
}
// </prelude>

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

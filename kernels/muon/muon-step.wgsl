// Muon's step: a stack of orthogonalised directions into the flat parameter vector.

override factor: f32; // 0.2 sqrt(columns): the step's root mean square is then about that of AdamW
override decays: bool;

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

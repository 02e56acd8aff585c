// Made from kernels/prelude/muon-place.wgsl by `npm run generate`. Do not edit.
export const muonPlacePrelude = `// Stacks: matrices of one shape, each [rows, columns] with rows <= columns, one after another; in the flat vector a matrix
// may lie the other way. An invocation handles one element of a stack.

override rows: u32;
override columns: u32;
override first: u32; // matrix of the stack
override matrices: u32; // of this dispatch
override bound: u32; // element of the flat vector at which its bindings begin

/// \`muonHyper\` in muon.ts writes it.
struct Hyper {
  learning_rate: f32,
  momentum: f32,
  weight_decay: f32,
  max_norm: f32,
}

@group(0) @binding(0) var<storage, read> places: array<vec2u>; // offset in the flat vector, 1 if the matrix lies [columns, rows]
@group(0) @binding(1) var<storage, read> hyper: Hyper;

fn is_inside(element: u32) -> bool { return element < matrices * rows * columns; }

/// Where an element of the stack, counted from matrix \`first\`, lies in the flat vector's binding.
fn flat_place(element: u32) -> u32 {
  let place = places[first + element / (rows * columns)];
  let within = element % (rows * columns);
  if (place.y == 0) { return place.x - bound + within; }
  return place.x - bound + within % columns * rows + within / columns;
}`;

// Made from kernels/prelude/matmul-tile.wgsl by `npm run generate`. Do not edit.
export const matmulTilePrelude = `// A workgroup of 256 makes \`tile\` x \`tile\` of C, an invocation a block of 4 x 4 for each pair of 64 rows and 64 columns: the block in
// row index / 16 and column index % 16. \`depth\` rows of A and B at a time go through workgroup memory, both stored [depth, tile],
// while the next ones are on their way into registers. The first 128 invocations load A, the others B: each one block of 4 x 4, as
// four vectors along whichever way the operand lies. Strides say which, so that one kernel serves NN, NT and TN.
// A workgroup's place is (x, y, z): x tiles of columns, y tiles of rows, z parts of the sum over k.
// Who includes this says where operands come from and results go to: a_element, a_vector, b_element, b_vector (each by number, as f32),
// put_four, put_pair and put_column_sum, which take what lies beyond the edges too; and with tile-registers or tile-matrices, how
// workgroup memory is multiplied. It is also a shelf of 512 vectors for what else invocations hand each other, before and after.

const depth = 2048 / tile; // 128 blocks of 4 x 4 an operand
const groups = tile / 64; // of 64 rows or columns
const lanes = tile / 4; // vectors a row of a stored operand

/// C[m, n] = A B as part of a dispatch.
struct Product {
  m: u32,
  n: u32,
  k: u32,
  a_row: u32, // elements from A(i, p) to A(i + 1, p)
  a_column: u32, // elements from A(i, p) to A(i, p + 1)
  b_row: u32,
  b_column: u32,
  part_depth: u32, // of k, that a workgroup sums; a multiple of 64 unless it is all of k
  sums_columns: bool, // of B, over its rows
  is_second: bool, // of two
  pairs_columns: bool, // columns j and j + n / 2 of B are neighbours in the tile: a gate and its value. B must be nt
  a_factor: f32, // where operands are rounded, of what is rounded: gradients are far below what f16 resolves
  b_factor: f32,
}

/// Which 4 x 4 block of its operand an invocation loads. Neighbours in memory go to neighbouring invocations.
struct Share {
  is_a: bool,
  is_along: bool, // vectors run along the tile, not along k
  lane: u32, // of the tile, four rows of A or columns of B
  deep: u32, // of the depth, in fours
}

fn share_of(product: Product, index: u32) -> Share {
  let is_a = index < 128;
  let at = index % 128;
  let is_along = select(product.b_column == 1, product.a_row == 1, is_a);
  const deeps = depth / 4;
  return Share(is_a, is_along, select(at / deeps, at % lanes, is_along), select(at % deeps, at / lanes, is_along));
}

/// The row of A, or the column of B, at a place along the tile.
fn line_of(product: Product, share: Share, along: u32) -> u32 {
  if (product.pairs_columns && !share.is_a) { return along / 2 + along % 2 * (product.n / 2); }
  return along;
}

/// Four vectors of an operand, whose rows or columns lie anyhow: element by element.
fn load_by_one(product: Product, share: Share, origin: vec2u, first: u32, end: u32) -> mat4x4f {
  var block: mat4x4f;
  for (var q = 0u; q < 4; q++) {
    for (var s = 0u; s < 4; s++) {
      let p = first + share.deep * 4 + q;
      let along = select(origin.x, origin.y, share.is_a) + share.lane * 4 + s;
      if (p >= end || along >= select(product.n, product.m, share.is_a)) { continue; }
      let line = line_of(product, share, along);
      if (share.is_a) { block[q][s] = a_element(product, line * product.a_row + p * product.a_column); }
      else { block[q][s] = b_element(product, p * product.b_row + line * product.b_column); }
    }
  }
  return block;
}

/// As load_by_one, for operands whose rows as they lie in memory are multiples of four long: a vector is inside or outside.
fn load_by_four(product: Product, share: Share, origin: vec2u, first: u32, end: u32) -> mat4x4f {
  let along = select(origin.x, origin.y, share.is_a) + share.lane * 4;
  let most = select(product.n, product.m, share.is_a);
  let p = first + share.deep * 4;
  var block: mat4x4f;
  for (var s = 0u; s < 4; s++) {
    let i = select(along + s, along, share.is_along);
    let q = select(p, p + s, share.is_along);
    if (i >= most || q >= end) { continue; }
    let line = line_of(product, share, i);
    if (share.is_a) { block[s] = a_vector(product, (line * product.a_row + q * product.a_column) / 4); }
    else { block[s] = b_vector(product, (q * product.b_row + line * product.b_column) / 4); }
  }
  if (share.is_along) { return block; }
  return transpose(block);
}

/// Writes C, or this part of its sum: four neighbours in row \`row\` (of 4) of an invocation's block in a pair of groups.
fn put_row(product: Product, place: vec3u, row_group: u32, column_group: u32, row: u32, index: u32, values: vec4f) {
  let i = place.y * tile + row_group * 64 + index / 16 * 4 + row;
  let j = place.x * tile + column_group * 64 + index % 16 * 4;
  if (product.pairs_columns) {
    put_pair(product, i, j, values.xy);
    put_pair(product, i, j + 2, values.zw);
  } else { put_four(product, place.z, i, j, values); }
}

/// Sums B over its rows: \`own\` is the sum of the vectors of B that an invocation loaded.
fn finish_columns(product: Product, own: vec4f, share: Share, place: vec3u, index: u32) {
  if (place.y > 0) { return; }
  if (!share.is_a) { shelve(share.deep * lanes + share.lane, own); }
  workgroupBarrier();
  if (index >= lanes) { return; }
  var total = vec4f();
  for (var deep = 0u; deep < depth / 4; deep++) { total += shelved(deep * lanes + index); }
  for (var lane = 0u; lane < 4; lane++) {
    put_column_sum(product, place.z, place.x * tile + index * 4 + lane, total[lane]);
  }
}

/// For any shape.
fn make_by_one(product: Product, place: vec3u, index: u32) {
  let share = share_of(product, index);
  let origin = place.xy * tile;
  let end = min(product.k, (place.z + 1) * product.part_depth);
  var sums: Sums;
  var column_sums = vec4f();
  var block = load_by_one(product, share, origin, place.z * product.part_depth, end);
  for (var first = place.z * product.part_depth; first < end; first += depth) {
    keep(product, block, share);
    if (product.sums_columns) { column_sums += block[0] + block[1] + block[2] + block[3]; }
    workgroupBarrier();
    if (first + depth < end) { block = load_by_one(product, share, origin, first + depth, end); }
    multiply(&sums, index);
    workgroupBarrier();
  }
  finish(product, &sums, place, index);
  if (product.sums_columns) { finish_columns(product, column_sums, share, place, index); }
}

fn make_by_four(product: Product, place: vec3u, index: u32) {
  let share = share_of(product, index);
  let origin = place.xy * tile;
  let end = min(product.k, (place.z + 1) * product.part_depth);
  var sums: Sums;
  var column_sums = vec4f();
  var block = load_by_four(product, share, origin, place.z * product.part_depth, end);
  for (var first = place.z * product.part_depth; first < end; first += depth) {
    keep(product, block, share);
    if (product.sums_columns) { column_sums += block[0] + block[1] + block[2] + block[3]; }
    workgroupBarrier();
    if (first + depth < end) { block = load_by_four(product, share, origin, first + depth, end); }
    multiply(&sums, index);
    workgroupBarrier();
  }
  finish(product, &sums, place, index);
  if (product.sums_columns) { finish_columns(product, column_sums, share, place, index); }
}`;

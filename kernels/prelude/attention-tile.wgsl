// A workgroup of 8 x 8 invocations (x, y) works on tiles: `tile` rows, queries or keys, of one head, in workgroup memory.
// An invocation owns the products of the rows y + 8 i of one tile with the rows x + 8 j of another, and of sums over rows
// the vectors x + 8 v of the rows y + 8 i.
// with: attention-layout

override tile: u32; // 32, or 16 for heads above 64: three tiles fit 32 KiB, and the arrays below suffice
override vectors: u32 = (head_size + 3) / 4; // that hold a row, the last one filled up with zeros
override columns: u32 = (vectors + 7) / 8; // that an invocation owns
override stride: u32 = vectors + 1; // vectors from one row to the next: rows begin in different banks

override turns: bool; // q and k are turned by their positions on their way in; D is a multiple of 8

@group(0) @binding(5) var<storage, read> angles: array<vec2f>; // [T, D / 2] of (cosine, sine); any buffer if unused

alias Products = array<f32, 16>; // [i * 4 + j]
alias Sums = array<vec4f, 8>; // [i * columns + v]

var<workgroup> tiles: array<vec4f, tile_count * tile * stride>;
var<workgroup> weights: array<f32, tile * (tile + 1)>;

/// The head's first place and the first row of this workgroup's tile.
struct Work {
  place: Place,
  first: u32,
}

/// The tiles that take longest come first: the last ones for queries, the first ones for keys.
/// @param sharers heads of queries that one tile belongs to; the place is that of the first
fn work_of(group: u32, sharers: u32, is_last_first: bool) -> Work {
  let head_tiles = (time + tile - 1) / tile;
  let number = select(group % head_tiles, head_tiles - 1 - group % head_tiles, is_last_first);
  return Work(place_of(group / head_tiles * sharers * time), number * tile);
}

/// Copies rows of q (part 0), k (1) or v (2) into a tile; zeros beyond the sequence.
fn stage_qkv(slot: u32, place: Place, first: u32, part: u32, lane: u32) {
  if (turns && part < 2) {
    stage_turned(slot, place, first, part, lane);
    return;
  }
  for (var i = lane; i < tile * vectors; i += 64) {
    let row = i / vectors;
    let d = i % vectors * 4;
    let at = offset_in_qkv(place, first + row, part) + d;
    var value = vec4f();
    if (first + row < time) {
      value.x = f32(qkv[at]);
      if (d + 1 < head_size) { value.y = f32(qkv[at + 1]); }
      if (d + 2 < head_size) { value.z = f32(qkv[at + 2]); }
      if (d + 3 < head_size) { value.w = f32(qkv[at + 3]); }
    }
    tiles[(slot * tile + row) * stride + i % vectors] = value;
  }
}

/// Element i of a head turns together with element i + D/2, so that an invocation takes both and each is loaded once.
fn stage_turned(slot: u32, place: Place, first: u32, part: u32, lane: u32) {
  let half = vectors / 2;
  for (var i = lane; i < tile * half; i += 64) {
    let t = first + i / half;
    let vector = i % half;
    var near = vec4f();
    var far = vec4f();
    if (t < time) {
      let at = offset_in_qkv(place, t, part) + vector * 4;
      near = vec4f(vec4(qkv[at], qkv[at + 1], qkv[at + 2], qkv[at + 3]));
      let other = at + head_size / 2;
      far = vec4f(vec4(qkv[other], qkv[other + 1], qkv[other + 2], qkv[other + 3]));
    }
    let turn = turn_at(t, vector);
    let to = (slot * tile + i / half) * stride + vector;
    tiles[to] = near * turn.cosines - far * turn.sines;
    tiles[to + half] = far * turn.cosines + near * turn.sines;
  }
}

/// The angles of four pairs at a position.
struct Turn {
  cosines: vec4f,
  sines: vec4f,
}

fn turn_at(t: u32, vector: u32) -> Turn {
  let at = min(t, time - 1) * (head_size / 2) + vector * 4;
  let pairs = mat4x2f(angles[at], angles[at + 1], angles[at + 2], angles[at + 3]);
  let both = transpose(pairs);
  return Turn(both[0], both[1]);
}

/// The products of this invocation's rows of two tiles.
fn products(left_slot: u32, right_slot: u32, x: u32, y: u32) -> Products {
  var sums: Products;
  for (var vector = 0u; vector < vectors; vector++) {
    var right: array<vec4f, 4>;
    for (var j = 0u; j < tile / 8; j++) { right[j] = tiles[(right_slot * tile + x + 8 * j) * stride + vector]; }
    for (var i = 0u; i < tile / 8; i++) {
      let left = tiles[(left_slot * tile + y + 8 * i) * stride + vector];
      for (var j = 0u; j < tile / 8; j++) { sums[i * 4 + j] += dot(left, right[j]); }
    }
  }
  return sums;
}

/// Writes this invocation's elements of `weights` [tile, tile].
fn share(values: Products, x: u32, y: u32) {
  for (var i = 0u; i < tile / 8; i++) {
    for (var j = 0u; j < tile / 8; j++) { weights[(y + 8 * i) * (tile + 1) + x + 8 * j] = values[i * 4 + j]; }
  }
}

/// sums += weights * a tile.
fn accumulate(sums: ptr<function, Sums>, slot: u32, x: u32, y: u32) {
  for (var k = 0u; k < tile; k++) {
    for (var v = 0u; v < columns; v++) {
      let right = tiles[(slot * tile + k) * stride + min(x + 8 * v, vectors)]; // the last one is never written out
      for (var i = 0u; i < tile / 8; i++) { (*sums)[i * columns + v] += weights[(y + 8 * i) * (tile + 1) + k] * right; }
    }
  }
}

// How a tile is multiplied everywhere: in f32, an invocation's blocks in registers.

const pitch = lanes + 1; // keeps stored columns out of one memory bank

alias Sums = array<vec4f, 4 * groups * groups>; // [(4 * row group + row) * groups + column group]

var<workgroup> left: array<vec4f, depth * pitch>; // of A
var<workgroup> right: array<vec4f, depth * pitch>; // of B

fn shelve(at: u32, value: vec4f) { left[at] = value; }
fn shelved(at: u32) -> vec4f { return left[at]; }

fn keep(product: Product, block: mat4x4f, share: Share) {
  for (var q = 0u; q < 4; q++) {
    let at = (share.deep * 4 + q) * pitch + share.lane;
    if (share.is_a) { left[at] = block[q]; } else { right[at] = block[q]; }
  }
}

/// Sums += the product of what workgroup memory holds.
fn multiply(sums: ptr<function, Sums>, index: u32) {
  for (var p = 0u; p < depth; p++) {
    var columns: array<vec4f, groups>;
    for (var group = 0u; group < groups; group++) { columns[group] = right[p * pitch + group * 16 + index % 16]; }
    for (var group = 0u; group < groups; group++) {
      let rows = left[p * pitch + group * 16 + index / 16];
      for (var other = 0u; other < groups; other++) {
        let at = group * 4 * groups + other;
        (*sums)[at] += rows.x * columns[other];
        (*sums)[at + groups] += rows.y * columns[other];
        (*sums)[at + 2 * groups] += rows.z * columns[other];
        (*sums)[at + 3 * groups] += rows.w * columns[other];
      }
    }
  }
}

fn finish(product: Product, sums: ptr<function, Sums>, place: vec3u, index: u32) {
  for (var at = 0u; at < 4 * groups * groups; at++) {
    put_row(product, place, at / (4 * groups), at % groups, at / groups % 4, index, (*sums)[at]);
  }
}

// How a tile is multiplied on adapters with subgroup matrices (Dawn's experimental feature): operands rounded to f16 on their way into
// workgroup memory, sums in f32. Eight subgroups of 32 share each pair of 64 rows and 64 columns: four bands of rows, two of columns,
// each of them 16 x 16 matrices. Workgroups are one row of invocations, so that index / 32 is the subgroup's number: the compiler does not
// know that it is the same for all of a subgroup, and is told to let it be.
// What is still too large for f16 becomes the largest f16. Sums leave through workgroup memory, because what follows wants blocks.
// with: stored

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

const pitch = tile + 8; // rows begin at multiples of 16 bytes, in different banks
const made_pitch = 68u;

alias Sums = array<subgroup_matrix_result<f32, 16, 16>, 2 * groups * groups>; // [row group, column group, which of two columns]

var<workgroup> left: array<f16, depth * pitch>; // of A
var<workgroup> right: array<f16, depth * pitch>; // of B
var<workgroup> made: array<f32, 64 * made_pitch>; // sums of a pair of groups; the shelf

fn shelve(at: u32, value: vec4f) {
  for (var lane = 0u; lane < 4; lane++) { made[at * 4 + lane] = value[lane]; }
}

fn shelved(at: u32) -> vec4f {
  return vec4f(made[at * 4], made[at * 4 + 1], made[at * 4 + 2], made[at * 4 + 3]);
}

fn keep(product: Product, block: mat4x4f, share: Share) {
  for (var q = 0u; q < 4; q++) {
    for (var lane = 0u; lane < 4; lane++) {
      let at = (share.deep * 4 + q) * pitch + share.lane * 4 + lane;
      if (share.is_a) { left[at] = f16(storable(block[q][lane] * product.a_factor, true)); }
      else { right[at] = f16(storable(block[q][lane] * product.b_factor, true)); }
    }
  }
}

/// Where a subgroup's matrices begin in a pair of groups: (column, row).
fn band_of(index: u32) -> vec2u {
  return vec2u(index / 128 * 32, index / 32 % 4 * 16);
}

/// Sums += the product of what workgroup memory holds.
fn multiply(sums: ptr<function, Sums>, index: u32) {
  let band = band_of(index);
  for (var p = 0u; p < depth; p += 16) {
    for (var row = 0u; row < groups; row++) {
      let of_a = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(&left, p * pitch + row * 64 + band.y, pitch);
      for (var column = 0u; column < 2 * groups; column++) {
        let of_b = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&right, p * pitch + column / 2 * 64 + band.x + column % 2 * 16, pitch);
        (*sums)[row * 2 * groups + column] = subgroupMatrixMultiplyAccumulate(of_a, of_b, (*sums)[row * 2 * groups + column]);
      }
    }
  }
}

fn finish(product: Product, sums: ptr<function, Sums>, place: vec3u, index: u32) {
  let band = band_of(index);
  for (var group = 0u; group < groups * groups; group++) {
    for (var column = 0u; column < 2; column++) {
      subgroupMatrixStore<row_major>(&made, band.y * made_pitch + band.x + column * 16, (*sums)[group * 2 + column], made_pitch);
    }
    workgroupBarrier();
    for (var row = 0u; row < 4; row++) {
      let at = (index / 16 * 4 + row) * made_pitch + index % 16 * 4;
      let values = vec4f(made[at], made[at + 1], made[at + 2], made[at + 3]) / (product.a_factor * product.b_factor);
      put_row(product, place, group / groups, group % groups, row, index, values);
    }
    workgroupBarrier();
  }
}

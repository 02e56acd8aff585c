// Four positions of one head an invocation: where an adapter is software, a load costs as much as ten multiplications, so that
// what counts is how many multiplications share one. Positions beyond the sequence are its last one, and not written.
// with: attention-layout

/// Four positions of one head in turn, numbered [B, H, ceil(T / 4)].
fn four_of(number: u32) -> Place {
  let fours = (time + 3) / 4;
  return at_time(place_of(number / fours * time), number % fours * 4);
}

fn at_time(place: Place, t: u32) -> Place {
  return Place(t, place.first, place.sequence, place.head);
}

/// The positions from t on.
fn times_from(t: u32) -> vec4u {
  return min(t + vec4u(0, 1, 2, 3), vec4u(time - 1));
}

/// Where q, k or v of four positions begin.
fn fours_in_qkv(place: Place, t: u32, part: u32) -> vec4u {
  let first = offset_in_qkv(place, 0, part);
  return first + times_from(t) * (offset_in_qkv(place, 1, part) - first);
}

fn four_of_qkv(at: vec4u, d: u32) -> vec4f {
  return vec4f(vec4(qkv[at.x + d], qkv[at.y + d], qkv[at.z + d], qkv[at.w + d]));
}

/// The products of four heads with four others: [j][i] = left i . right j.
fn products(left: vec4u, right: vec4u) -> mat4x4f {
  var sums: mat4x4f;
  for (var d = 0u; d < head_size; d++) {
    let lefts = four_of_qkv(left, d);
    let rights = four_of_qkv(right, d);
    sums[0] += lefts * rights.x;
    sums[1] += lefts * rights.y;
    sums[2] += lefts * rights.z;
    sums[3] += lefts * rights.w;
  }
  return sums;
}

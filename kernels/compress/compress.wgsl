// What a worker sends of its training, made on the device, so that only this is read back: the difference with what was held
// back before, then of each block the largest elements in one or two bits, or every element in a byte. Which elements are
// largest is found in integers and is the same on every device; means may differ in their last bit.

override elements: u32; // of the part of the vector that a dispatch handles
override block_size: u32 = 4096; // elements of a block; with `dense` 4096
override blocks: u32 = 1; // in that part
override lanes: u32 = 128; // divides 128
override sent: u32 = 1; // elements of a block that are sent
override last_sent: u32 = 1; // of the last block, which may be shorter
override bits: u32 = 1; // of a sent value: 1 or 2
override stride: u32 = 1; // words of a block's record
override dense: bool = false; // all elements are sent: codes alone, 32 elements a word (2 bits: two words)

const byte_block_size = 256u;
const header = 3u; // words of a record before what is sent: lower and upper magnitude, the largest

@group(0) @binding(0) var<storage, read> trained: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<f32>;
@group(0) @binding(2) var<storage, read> settings: array<f32>; // part of the residual that is added, what the residual becomes
@group(0) @binding(3) var<storage, read> rest: array<f32>; // what the last payload did not say
@group(0) @binding(4) var<storage, read_write> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> wanted: array<f32>;
@group(0) @binding(6) var<storage, read> x: array<f32>; // `wanted`, to be compressed
@group(0) @binding(7) var<storage, read_write> records: array<u32>;
@group(0) @binding(8) var<storage, read_write> unsaid: array<f32>; // becomes `rest`

var<workgroup> counts: array<atomic<u32>, 32>;
var<workgroup> largest: atomic<u32>;
var<workgroup> tallies: array<vec2u, lanes>; // larger than the threshold, equal to it
var<workgroup> sums: array<vec4f, lanes>;

@compute @workgroup_size(64)
fn difference(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i < elements) { wanted[i] = trained[i] - start[i]; }
}

/// Error feedback: what a round held back is settled before the next one adds to it (settings[1]: 0 nothing is to be settled,
/// 1 the payload was accepted, 2 it was not, 3 the state was replaced).
fn settled(i: u32) -> f32 {
  var held = residual[i];
  if (settings[1] == 1.0) { held = rest[i]; }
  if (settings[1] == 2.0) { held = wanted[i]; }
  if (settings[1] == 3.0) { held = 0.0; }
  residual[i] = held;
  return settings[0] * held;
}

@compute @workgroup_size(64)
fn corrected(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= elements) { return; }
  let held = settled(i);
  wanted[i] = (trained[i] - start[i]) + held;
}

/// As `corrected`, of what is a difference already.
@compute @workgroup_size(64)
fn corrected_change(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= elements) { return; }
  let held = settled(i);
  wanted[i] = x[i] + held;
}

/// Magnitudes in the order of integers; infinity and NaN are above all others.
fn magnitude_bits(i: u32) -> u32 {
  return bitcast<u32>(x[i]) & 0x7fffffffu;
}

fn to_bfloat16(value: f32) -> f32 {
  return bitcast<f32>(min(0x7f7fu, (bitcast<u32>(value) + 0x8000u) >> 16) << 16);
}

fn sum_of_lanes(lane: u32, value: vec4f) -> vec4f {
  sums[lane] = value;
  for (var width = lanes; width > 1; width = (width + 1) / 2) {
    let half = (width + 1) / 2;
    workgroupBarrier();
    if (lane + half < width) { sums[lane] += sums[lane + half]; }
  }
  return workgroupUniformLoad(&sums[0]);
}

/// The elements of one lane, and which of them are sent: those above the threshold, and the first `ties` of those equal to it.
struct Share {
  begin: u32,
  end: u32,
  threshold: u32,
  ties: u32,
}

/// Bisection over the bits of float32.
fn kth_largest(lane: u32, begin: u32, end: u32, k: u32) -> u32 {
  var low = 0u;
  for (var bit = 0u; bit < 31; bit++) {
    let candidate = low | (0x40000000u >> bit);
    var count = 0u;
    for (var i = begin; i < end; i++) { count += u32(magnitude_bits(i) >= candidate); }
    atomicAdd(&counts[bit], count);
    workgroupBarrier();
    if (atomicLoad(&counts[bit]) >= k) { low = candidate; }
  }
  return low;
}

/// Sum and count of the sent magnitudes up to the border, then of those above it.
fn parts(share: Share, border: f32) -> vec4f {
  var part = vec4f();
  var ties = share.ties;
  for (var i = share.begin; i < share.end; i++) {
    let magnitude = magnitude_bits(i);
    if (magnitude < share.threshold) { continue; }
    if (magnitude == share.threshold) {
      if (ties == 0) { continue; }
      ties--;
    }
    let value = bitcast<f32>(magnitude);
    part += select(vec4f(value, 1, 0, 0), vec4f(0, 0, value, 1), value > border);
  }
  return part;
}

/// The magnitudes that codes stand for: the mean, or after three rounds of Lloyd's algorithm the means of two parts.
fn range_of(lane: u32, share: Share) -> vec2f {
  let all = sum_of_lanes(lane, parts(share, -1.0));
  var border = all.z / all.w;
  var range = vec2f(border);
  if (bits == 2) {
    for (var iteration = 0; iteration < 3; iteration++) {
      let part = sum_of_lanes(lane, parts(share, border));
      if (part.w == 0.0) { break; }
      range = vec2f(part.x / max(part.y, 1.0), part.z / part.w);
      border = (range.x + range.y) / 2;
    }
  }
  return vec2f(to_bfloat16(range.x), to_bfloat16(range.y));
}

/// Sign in the lowest bit, which magnitude above it.
fn code_of(value: f32, range: vec2f) -> u32 {
  let upper = bits == 2 && range.y > range.x && (abs(value) - range.x) * 2 >= range.y - range.x;
  return u32(value < 0) | (u32(upper) << 1);
}

fn value_of(code: u32, range: vec2f) -> f32 {
  let magnitude = select(range.x, range.y, (code & 2) != 0);
  return select(magnitude, -magnitude, (code & 1) != 0);
}

/// A record of a block: header, then of each sent element its index and, above 16 bits, its code; or the codes of all.
@compute @workgroup_size(lanes)
fn largest_elements(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  if (index >= blocks) { return; }
  for (var i = lane; i < 32; i += lanes) { atomicStore(&counts[i], 0); }
  if (lane == 0) { atomicStore(&largest, 0); }
  workgroupBarrier();
  let first = index * block_size;
  let block_end = min(first + block_size, elements);
  let share_size = (block_size + lanes - 1) / lanes;
  let begin = min(first + lane * share_size, block_end);
  let end = min(begin + share_size, block_end);
  let k = select(sent, last_sent, index == blocks - 1);
  var threshold = 0u;
  if (!dense) { threshold = kth_largest(lane, begin, end, k); }

  var tally = vec2u();
  var highest = 0u;
  for (var i = begin; i < end; i++) {
    let magnitude = magnitude_bits(i);
    tally += vec2u(u32(magnitude > threshold), u32(magnitude == threshold));
    highest = max(highest, magnitude);
  }
  tallies[lane] = tally;
  atomicMax(&largest, highest);
  workgroupBarrier();
  var before = vec2u();
  var above = 0u;
  for (var other = 0u; other < lanes; other++) {
    above += tallies[other].x;
    before += select(vec2u(), tallies[other], other < lane);
  }
  let ties = k - above; // in the whole block
  let ties_before = min(ties, before.y);
  let share = Share(begin, end, threshold, ties - ties_before);
  let range = range_of(lane, share);

  let record = index * stride;
  if (lane == 0) {
    records[record] = bitcast<u32>(range.x);
    records[record + 1] = bitcast<u32>(range.y);
    records[record + 2] = atomicLoad(&largest);
  }
  if (dense) { write_all(share, first, record + header, range); } else {
    write_sent(share, first, record + header + before.x + ties_before, range);
  }
}

fn write_sent(share: Share, first: u32, place: u32, range: vec2f) {
  var next = place;
  var ties = share.ties;
  for (var i = share.begin; i < share.end; i++) {
    let magnitude = magnitude_bits(i);
    let is_tie = magnitude == share.threshold && ties > 0;
    ties -= u32(is_tie);
    unsaid[i] = x[i];
    if (magnitude <= share.threshold && !is_tie) { continue; }
    let code = code_of(x[i], range);
    records[next] = (i - first) | (code << 16);
    unsaid[i] = x[i] - value_of(code, range);
    next++;
  }
}

fn write_all(share: Share, first: u32, place: u32, range: vec2f) {
  for (var group = share.begin; group < share.end; group += 32) {
    var words = vec2u();
    for (var i = group; i < min(group + 32, share.end); i++) {
      let code = code_of(x[i], range);
      unsaid[i] = x[i] - value_of(code, range);
      let bit = (i - group) * bits;
      if (bit < 32) { words.x |= code << bit; } else { words.y |= code << (bit - 32); }
    }
    let word = place + (group - first) / 32 * bits;
    records[word] = words.x;
    if (bits == 2) { records[word + 1] = words.y; }
  }
}

/// A record of a block: the largest magnitude, then a signed byte for each element, ±127 for the largest.
@compute @workgroup_size(lanes)
fn bytes(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  if (index >= blocks) { return; }
  if (lane == 0) { atomicStore(&largest, 0); }
  workgroupBarrier();
  let first = index * byte_block_size;
  let end = min(first + byte_block_size, elements);
  var highest = 0u;
  for (var i = first + lane; i < end; i += lanes) { highest = max(highest, magnitude_bits(i)); }
  atomicMax(&largest, highest);
  workgroupBarrier();
  let record = index * (1 + byte_block_size / 4);
  let scale = bitcast<f32>(atomicLoad(&largest)) / 127;
  if (lane == 0) { records[record] = atomicLoad(&largest); }
  for (var word = lane; word < byte_block_size / 4; word += lanes) {
    var packed = 0u;
    for (var i = 0u; i < 4; i++) {
      let at = first + 4 * word + i;
      if (at < end && scale > 0) {
        let byte = clamp(i32(floor(x[at] / scale + 0.5)), -127, 127);
        packed |= (u32(byte) & 0xffu) << (8 * i);
      }
    }
    records[record + 1 + word] = packed;
  }
}

// Sums a vector, or its squares, for GPUs, in an order that never changes: a workgroup leaves one sum, its lanes take elements in
// turn and are summed by a tree of fixed shape. A vector beyond the binding limit lies in up to seven parts, which need nothing of
// each other: one dispatch takes them all, as many workgroups each.

const lanes = 256u;

override elements: u32; // of all parts of this dispatch
override part_elements: u32; // of a part, the last of which may be shorter
override sums: u32; // elements of out that a part writes: its workgroups
override first: u32 = 0; // where in out this dispatch's begin

@group(0) @binding(0) var<storage, read> part0: array<f32>;
@group(0) @binding(1) var<storage, read> part1: array<f32>; // this and the following: any buffer if unused
@group(0) @binding(2) var<storage, read> part2: array<f32>;
@group(0) @binding(3) var<storage, read> part3: array<f32>;
@group(0) @binding(4) var<storage, read> part4: array<f32>;
@group(0) @binding(5) var<storage, read> part5: array<f32>;
@group(0) @binding(6) var<storage, read> part6: array<f32>;
@group(0) @binding(7) var<storage, read_write> out: array<f32>;

var<workgroup> partials: array<f32, lanes>;

fn element(part: u32, i: u32) -> f32 {
  switch part {
    case 0: { return part0[i]; }
    case 1: { return part1[i]; }
    case 2: { return part2[i]; }
    case 3: { return part3[i]; }
    case 4: { return part4[i]; }
    case 5: { return part5[i]; }
    default: { return part6[i]; }
  }
}

@compute @workgroup_size(lanes)
fn sum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let part = group.x / sums;
  let end = min(part_elements, elements - part * part_elements);
  var total = 0.0;
  for (var i = group.x % sums * lanes + lane; i < end; i += sums * lanes) { total += element(part, i); }
  finish(total, group.x, lane);
}

@compute @workgroup_size(lanes)
fn sum_squares(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let part = group.x / sums;
  let end = min(part_elements, elements - part * part_elements);
  var total = 0.0;
  for (var i = group.x % sums * lanes + lane; i < end; i += sums * lanes) {
    let value = element(part, i);
    total += value * value;
  }
  finish(total, group.x, lane);
}

fn finish(total: f32, group: u32, lane: u32) {
  partials[lane] = total;
  for (var span = lanes / 2; span > 0; span /= 2) {
    workgroupBarrier();
    if (lane < span) { partials[lane] += partials[lane + span]; }
  }
  if (lane == 0) { out[first + group] = partials[0]; }
}

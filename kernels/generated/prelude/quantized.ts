// Made from kernels/prelude/quantized.wgsl by `npm run generate`. Do not edit.
export const quantizedPrelude = `// Weights in 8 or 4 bits, as kernels/quantize/format.ts packs them: blocks of 64 neighbouring elements share one scale, their largest
// magnitude. \`prepare\` runs before anything is unpacked.

override bits: u32; // 8: int8; 4: NormalFloat4

@group(0) @binding(1) var<storage, read> packed: array<u32>; // element 0 in the lowest bits
@group(0) @binding(6) var<storage, read> scales: array<f32>; // one a block

/// Quantiles of a normal distribution: Dettmers et al. 2023, arXiv:2305.14314, appendix E.
const all_levels = array<f32, 16>(
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
);

var<workgroup> levels: array<f32, 16>; // an array that is indexed at run time would be a copy for each invocation

/// @param lane of the workgroup, which has at least 16
fn prepare(lane: u32) {
  if (bits == 8) { return; }
  if (lane < 16) { levels[lane] = all_levels[lane]; }
  workgroupBarrier();
}

/// Elements 4 at to 4 at + 3.
fn b_vector(at: u32) -> vec4f {
  let scale = scales[at / 16];
  if (bits == 8) { return vec4f((vec4i(bitcast<i32>(packed[at])) << vec4u(24, 16, 8, 0)) >> vec4u(24)) * (scale / 127); }
  let codes = (vec4u(packed[at / 2] >> (at % 2 * 16)) >> vec4u(0, 4, 8, 12)) & vec4u(15);
  return vec4f(levels[codes.x], levels[codes.y], levels[codes.z], levels[codes.w]) * scale;
}

fn b_element(at: u32) -> f32 { return b_vector(at / 4)[at % 4]; }`;

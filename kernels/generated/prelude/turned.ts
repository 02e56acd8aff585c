// Made from kernels/prelude/turned.wgsl by `npm run generate`. Do not edit.
export const turnedPrelude = `/// Element d of the head that begins at \`first\` in qkv, turned by the angle of a position together with element d +- D/2.
fn turned(first: u32, d: u32, position: u32) -> f32 {
  let x = f32(qkv[first + d]);
  if (!turns) { return x; }
  let half_size = head_size / 2;
  let angle = angles[position * half_size + d % half_size];
  if (d < half_size) { return x * angle.x - f32(qkv[first + d + half_size]) * angle.y; }
  return x * angle.x + f32(qkv[first + d - half_size]) * angle.y;
}`;

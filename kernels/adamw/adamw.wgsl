// AdamW over a part of the flat parameter vector, in place, with clipping by the global norm: four elements an invocation.
// with: adamw-step

override vectors: u32; // four elements each
override first_block: u32; // 64 elements each, before this part

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i < vectors) { adamw_step(i, i, decays[first_block + i / 16]); }
}

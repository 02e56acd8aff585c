// AdamW over listed blocks of 64 elements of the flat parameter vector, in place: what Muon does not orthogonalise. The
// moments lie packed, block after block.
// with: adamw-step

override first: u32; // of the listed blocks
override blocks_here: u32; // listed blocks of this dispatch
override bound_block: u32; // block of the flat vector at which `gradients` and `parameters` begin; the moments begin at `first`

@group(0) @binding(7) var<storage, read> blocks: array<u32>; // numbers of blocks of the flat vector

@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= blocks_here * 16) { return; }
  let block = first + i / 16;
  adamw_step((blocks[block] - bound_block) * 16 + i % 16, i, decays[block]);
}

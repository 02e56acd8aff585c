// Training a small adapter beside a frozen model: what an owner may write as `adapter`.

import { z } from 'zod';

export const adapterSchema = z.strictObject({
  kind: z.literal('lora').default('lora'),
  rank: z.int().min(1).max(1024).default(8),
  alpha: z.number().positive().max(4096).default(16), // the adapter's share is multiplied by alpha / rank
  // Linear layers that get one, by the last part of their name: c_attn, c_proj, c_fc; qkv_proj, o_proj, gate_up_proj, down_proj.
  targets: z
    .union([z.literal('all-linear'), z.array(z.string().min(1).max(100)).min(1).max(100)])
    .default('all-linear'),
  quantize: z.enum(['none', 'int8', 'nf4']).default('none'), // how the frozen matrices lie in memory
});

export type AdapterSettings = z.infer<typeof adapterSchema>;

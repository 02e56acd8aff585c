// How far a job's workers are trusted: what an owner may write as `spec.verification`, and what that means.

import { z } from 'zod';

const object = z.strictObject({
  gate: z.boolean().default(true), // a contribution must not raise the loss on held-out text
  audits: z.number().min(0).max(0.5).default(0.1), // most of the swarm's work that may go into training shards again; 0 = none
});

export const verificationSchema = z.union([z.enum(['none', 'standard']), object]);

export type Verification = z.infer<typeof verificationSchema>;

export interface VerificationSettings {
  /** Contributions are committed before any is revealed, and what copies, harms or fails its audit does not count. */
  readonly isOn: boolean;
  readonly gate: boolean;
  readonly audits: number;
}

export function verificationSettings(verification: Verification): VerificationSettings {
  if (verification === 'none') return { isOn: false, gate: false, audits: 0 };
  const { gate, audits } = verification === 'standard' ? object.parse({}) : verification;
  return { isOn: true, gate, audits };
}

/**
 * Whether a worker begins every round with nothing of its own: no optimizer moments, no held-back differences, no momentum.
 * Only then can another worker compute the same contribution from the agreed state and the assignment alone.
 */
export function isRepeatable(verification: Verification): boolean {
  return verificationSettings(verification).audits > 0;
}

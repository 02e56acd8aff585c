// What the room leases to one worker at a time: storing the agreed state as a checkpoint, and the finished model.

import { describeError } from '../../../shared/errors.ts';
import type { Lease, WorkerMessage } from '../../../shared/protocol/messages.ts';
import { leaseMs } from '../../../shared/rounds/limits.ts';
import type { CoordinatorApi } from '../coordinator-api.ts';
import type { Workshop } from './workshop.ts';

type Answer = Extract<WorkerMessage, { type: 'uploaded' | 'declined' }>;

/** Carries out a lease on the state held now. Never throws: what goes wrong is the reason for declining. */
export async function fulfil(lease: Lease, jobId: string, workshop: Workshop, api: CoordinatorApi): Promise<Answer> {
  const { kind, fence, round } = lease;
  const { stateHash } = workshop.holds;
  const signal = AbortSignal.timeout(leaseMs[kind]);
  try {
    const done = kind === 'checkpoint' ? uploadCheckpoint : uploadArtifact;
    return {
      type: 'uploaded',
      kind,
      fence,
      round,
      stateHash,
      ...(await done(lease, { jobId, workshop, api, signal })),
    };
  } catch (error) {
    return decline(lease, describeError(error));
  }
}

export function decline({ kind, fence }: Lease, reason: string): Answer {
  return { type: 'declined', kind, fence, reason: reason.slice(0, 500) };
}

interface Means {
  jobId: string;
  workshop: Workshop;
  api: CoordinatorApi;
  signal: AbortSignal;
}

type Stored = Pick<Extract<Answer, { type: 'uploaded' }>, 'bytes' | 'evaluation'>;

async function uploadCheckpoint({ round, fence }: Lease, { jobId, workshop, api, signal }: Means): Promise<Stored> {
  const checkpoint = await workshop.checkpoint();
  await api.putCheckpoint(jobId, round, fence, checkpoint, signal);
  return { bytes: checkpoint.length, evaluation: null };
}

async function uploadArtifact({ fence }: Lease, { jobId, workshop, api, signal }: Means): Promise<Stored> {
  const { files, evaluation } = await workshop.artifact();
  let sum = 0;
  for (const { name, bytes } of files) {
    await api.putArtifact(jobId, name, fence, bytes, signal);
    sum += bytes.length;
  }
  return { bytes: sum, evaluation };
}

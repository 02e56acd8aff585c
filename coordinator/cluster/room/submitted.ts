// The first event of a job.

import { sha256Hex, utf8 } from '../../../shared/bytes.ts';
import { canonicalJson } from '../../../shared/ledger/canonical.ts';
import type { LedgerEventDraft } from '../../../shared/ledger/events.ts';
import type { JobFacts } from '../../db/jobs.ts';

export function submittedEvent({ id, name, owner, manifest, datasetHash }: JobFacts): LedgerEventDraft {
  const manifestHash = sha256Hex(utf8(canonicalJson(manifest)));
  return { type: 'job.submitted', version: 1, subject: id, data: { name, manifestHash, datasetHash, owner } };
}

// The SDK: what `import … from 'loomos'` gives. The one barrel of the project, because a package needs a front door.

export { LoomOSClient, hasEnded } from './client.ts';
export type {
  ArtifactInfo,
  ClientOptions,
  Dataset,
  JobMetrics,
  LedgerQuery,
  LedgerRecord,
  LedgerRoot,
} from './client.ts';
export { ClusterNode } from './cluster-node.ts';
export type { JoinOptions, OnRoleChange } from './cluster-node.ts';
export { verifyLedger } from './verify-ledger.ts';
export type { LedgerVerdict } from './verify-ledger.ts';
export { LoomError, describeError } from '../../shared/errors.ts';
export type { ErrorCode } from '../../shared/errors.ts';
export { parseManifest } from '../../shared/manifest/manifest.ts';
export type { Manifest, ManifestInput } from '../../shared/manifest/manifest.ts';
export type { ClusterNodes } from '../../shared/api/leadership.ts';
export type { NodeRole } from '../../shared/cluster/types.ts';
export type { JobState } from '../../shared/rounds/types.ts';
export type { ClusterStatus, JobView, JobWorker, LogLine, WorkerView } from '../../shared/api/schemas.ts';

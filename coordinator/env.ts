// The bindings of wrangler.toml, typed. Secrets may be absent: the routes that need one say so.

import type { Elections } from './cluster/elections.ts';
import type { Gate } from './cluster/gate.ts';
import type { JobRoom } from './cluster/job-room.ts';
import type { Signalling } from './cluster/signalling.ts';
import type { LedgerWriter } from './ledger/writer.ts';

export interface Env {
  DB: D1Database; // jobs, workers, datasets, the ledger
  STORE: R2Bucket; // datasets, checkpoints, artifacts, the relay
  ROOMS: DurableObjectNamespace<JobRoom>; // one per job, named by its id
  GATES: DurableObjectNamespace<Gate>; // several per large job; named as cluster/shards.ts says
  SIGNALLING: DurableObjectNamespace<Signalling>; // one per job, named by its id; several per large job
  LEDGER: DurableObjectNamespace<LedgerWriter>; // one, named 'ledger'
  ELECTIONS: DurableObjectNamespace<Elections>; // one, named 'cluster'
  ASSETS?: Fetcher; // the built page
  LOOMOS_VERSION: string;
  LOOMOS_SECRET?: string; // signs worker tokens
  LOOMOS_OWNER_TOKEN?: string; // what a job owner authenticates with
}

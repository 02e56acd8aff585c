// The bindings of wrangler.toml, typed. Secrets may be absent: the routes that need one say so. Objects are
// untyped here: who calls one knows its methods (`room`, `elections`, `ledger`), so that the objects may import this file.

export interface Env {
  DB: D1Database; // jobs, workers, datasets, the ledger
  STORE: R2Bucket; // datasets, checkpoints, artifacts, the relay
  ROOMS: DurableObjectNamespace; // one per job, named by its id
  GATES: DurableObjectNamespace; // several per large job; named as cluster/shards.ts says
  SIGNALLING: DurableObjectNamespace; // one per job, named by its id; several per large job
  LEDGER: DurableObjectNamespace; // one, named 'ledger'
  ELECTIONS: DurableObjectNamespace; // one, named 'cluster'
  ASSETS?: Fetcher; // the built page
  LOOMOS_VERSION: string;
  LOOMOS_SECRET?: string; // signs worker tokens
  LOOMOS_OWNER_TOKEN?: string; // what a job owner authenticates with
}

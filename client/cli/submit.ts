// From a manifest on this machine to a job: its data goes up first, under its SHA-256.

import { dirname } from 'node:path';
import type { JobView } from '../../shared/api/schemas.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import type { LoomOSClient } from '../sdk/client.ts';
import { inFile } from './in-file.ts';
import { readManifestFile } from './manifest-file.ts';
import { readSource } from './source.ts';

export interface Prepared {
  manifest: Manifest;
  data: Uint8Array<ArrayBuffer> | null; // null where the coordinator has it already
}

/** Reads all that lies on this machine, so that what is wrong with it is said before anything starts. */
export async function prepare(manifestFile: string): Promise<Prepared> {
  const manifest = await readManifestFile(manifestFile);
  try {
    return { manifest, data: await readSource(manifest.spec.data.source, dirname(manifestFile)) };
  } catch (error) {
    throw inFile(error, manifestFile);
  }
}

export async function submit(client: LoomOSClient, { manifest, data }: Prepared): Promise<JobView> {
  if (data === null) return client.submitJob(manifest);
  const { source } = manifest.spec.data;
  const { sha256 } = await client.uploadDataset(data, { source });
  const spec = { ...manifest.spec, data: { ...manifest.spec.data, source: `dataset:${sha256}` } };
  return client.submitJob({ ...manifest, spec });
}

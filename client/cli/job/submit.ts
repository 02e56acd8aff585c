// From a manifest on this machine to a job: its data, and the model it begins with, go up first, under their SHA-256.

import { dirname } from 'node:path';
import type { JobView } from '../../../shared/api/schemas.ts';
import type { Bytes } from '../../../shared/bytes.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import { LoomError } from '../../../shared/errors.ts';
import type { LoomOSClient } from '../../sdk/client.ts';
import { inFile } from './in-file.ts';
import { readManifestFile } from './manifest-file.ts';
import { readModelFolder } from './model-folder.ts';
import { readSource } from './source.ts';

/** Bytes are null where the coordinator has them already, or there are none. */
export interface Prepared {
  file: string; // the manifest's
  manifest: Manifest;
  data: Bytes | null;
  weights: Bytes | null; // the packed folder of a pretrained model
}

/** Reads all that lies on this machine, so that what is wrong with it is said before anything starts. */
export async function prepare(manifestFile: string, changes: readonly string[] = []): Promise<Prepared> {
  const manifest = await readManifestFile(manifestFile, changes);
  const folder = dirname(manifestFile);
  const { model, data: text } = manifest.spec;
  try {
    const weights = model.kind === 'pretrained' ? await readModelFolder(model, folder) : null;
    const data = await readSource(text.source, folder);
    if (weights !== null && data !== null) {
      const { languageModel } = await import('../../train/lm/lm.ts'); // the kernels: for other jobs nothing needs them here
      languageModel({ manifest, data, weights }); // throws when the tokens are too few
    }
    return { file: manifestFile, manifest, data, weights };
  } catch (error) {
    throw inFile(error, manifestFile);
  }
}

export async function submit(client: LoomOSClient, { file, manifest, data, weights }: Prepared): Promise<JobView> {
  const spec = { ...manifest.spec };
  const { source } = spec.data;
  if (data !== null) spec.data = { ...spec.data, source: await upload(client, data, source) };
  if (weights !== null && spec.model.kind === 'pretrained')
    spec.model = { ...spec.model, from: await upload(client, weights, spec.model.from) };
  return client.submitJob({ ...manifest, spec }).catch((error: unknown) => {
    throw isAboutField(error) ? inFile(error, file) : error;
  });
}

/** The coordinator found what could not be seen from here: a text that is too short, say. */
function isAboutField(error: unknown): boolean {
  return error instanceof LoomError && error.where?.startsWith('spec.') === true;
}

async function upload(client: LoomOSClient, bytes: Bytes, source: string): Promise<string> {
  const { sha256 } = await client.uploadDataset(bytes, { source });
  return `dataset:${sha256}`;
}

// From a manifest's data source, and the model it begins with, to stored datasets. What lies on the owner's machine was
// uploaded by the CLI before; what lies on the web is fetched here, once.

import { maxDatasetBytes } from '../../shared/api/schemas.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';
import { LoomError } from '../../shared/errors.ts';
import { hash } from '../../shared/protocol/messages.ts';
import { database } from '../db/database.ts';
import type { Env } from '../env.ts';
import { findDataset, registerDataset } from '../storage/datasets.ts';
import type { Dataset } from '../storage/datasets.ts';
import { storeStream } from '../storage/upload.ts';

const where = 'spec.data.source';
const modelWhere = 'spec.model.from';
const fetchTimeoutMs = 120_000;

/** @throws LoomError `invalid_manifest` or `data_unavailable`, both at spec.data.source. */
export async function resolveDataset(env: Env, manifest: Manifest): Promise<Dataset> {
  const source = manifest.spec.data.source;
  const isOnWeb = source.startsWith('https://');
  const dataset = isOnWeb ? await fetchDataset(env, source) : await storedDataset(env, source, where);
  checkEnough(manifest, dataset.bytes);
  return dataset;
}

/**
 * The manifest with the size of the model it begins with, where it begins with one.
 * @throws LoomError `invalid_manifest` or `data_unavailable`, both at spec.model.from.
 */
export async function resolveModel(env: Env, manifest: Manifest): Promise<Manifest> {
  const { model } = manifest.spec;
  if (model.kind !== 'pretrained') return manifest;
  const { bytes } = await storedDataset(env, model.from, modelWhere);
  return { ...manifest, spec: { ...manifest.spec, model: { ...model, bytes } } };
}

async function storedDataset(env: Env, source: string, where: string): Promise<Dataset> {
  if (!source.startsWith('dataset:')) {
    throw new LoomError(
      'invalid_manifest',
      `${source.split(':')[0]}: sources lie on your machine; submit with the loomos CLI, which uploads them`,
      { where, allowed: where === modelWhere ? 'dataset:SHA256' : 'dataset:SHA256 or https://…' },
    );
  }
  const sha256 = source.slice('dataset:'.length);
  if (!hash.safeParse(sha256).success)
    throw new LoomError('invalid_manifest', 'not a SHA-256', {
      where,
      allowed: 'dataset: and 64 lower-case hex digits',
    });
  const dataset = await findDataset(database(env.DB), sha256);
  if (dataset === null)
    throw new LoomError('data_unavailable', `no dataset ${sha256} was uploaded`, {
      where,
      allowed: 'one that PUT /api/v1/datasets/:sha256 stored',
    });
  return dataset;
}

async function fetchDataset(env: Env, source: string): Promise<Dataset> {
  const response = await open(source);
  const storeKey = `fetched/${crypto.randomUUID()}`;
  const stored = await storeStream(env.STORE, storeKey, response.body, { what: 'dataset', maxBytes: maxDatasetBytes });
  const known = await findDataset(database(env.DB), stored.sha256);
  if (known !== null) {
    await env.STORE.delete(storeKey);
    return known;
  }
  const dataset = { ...stored, source, storeKey, createdAt: Date.now() };
  await registerDataset(env, dataset);
  return dataset;
}

async function open(source: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(source, { signal: AbortSignal.timeout(fetchTimeoutMs) });
  } catch (cause) {
    throw new LoomError('data_unavailable', `${source} cannot be reached`, { where, cause });
  }
  if (!response.ok) throw new LoomError('data_unavailable', `${source} answers ${response.status}`, { where });
  if (!response.url.startsWith('https://'))
    throw new LoomError('data_unavailable', `${source} redirects away from https`, { where });
  return response;
}

/** Both parts must hold at least one window: `context` tokens and the one after them. */
function checkEnough(manifest: Manifest, bytes: number): void {
  const { model, data } = manifest.spec;
  const needed = Math.ceil((model.context + 1) / Math.min(data.validationFraction, 1 - data.validationFraction));
  if (bytes < needed)
    throw new LoomError('data_unavailable', `${bytes} bytes are too few for windows of ${model.context} tokens`, {
      where,
      allowed: `at least ${needed} bytes`,
    });
}

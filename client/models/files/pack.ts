// A model folder as one file, so that it travels like a dataset: the weights of all its shards as they are stored, in one
// safetensors file whose metadata holds the folder's texts. Plain bytes in and out; who reads the disk is the caller.

import { z } from 'zod';
import type { Bytes } from '../../../shared/bytes.ts';
import { LoomError } from '../../../shared/errors.ts';
import { readStored, writeStored } from './safetensors.ts';
import type { StoredArray } from './safetensors.ts';

const required = ['config.json', 'tokenizer.json'];
/** Kept where the folder has them, and left in the job's result as they are. */
const optional = ['tokenizer_config.json', 'special_tokens_map.json', 'generation_config.json', 'chat_template.jinja'];
const singleFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';

/** Reads one file of the folder; null where it has none of that name. */
export type ReadFile = (name: string) => Promise<Uint8Array | null>;

export interface PackedModel {
  readonly texts: ReadonlyMap<string, string>; // by file name
  readonly tensors: readonly StoredArray[];
}

/**
 * Packs a folder as Hugging Face lays it out: config.json, tokenizer.json, and model.safetensors or its shards.
 * @throws LoomError `data_unavailable` naming the file that is missing or does not parse
 */
export async function packFolder(read: ReadFile): Promise<Bytes> {
  const metadata: Record<string, string> = { format: 'pt' };
  for (const name of [...required, ...optional]) {
    const bytes = await read(name);
    if (bytes !== null) metadata[name] = decode(name, bytes);
    else if (required.includes(name))
      throw unusable(`the folder has no ${name}`, `a folder with ${required.join(', ')} and ${singleFile}`);
  }
  const tensors: StoredArray[] = [];
  for (const [name, bytes] of await weightFiles(read)) tensors.push(...inFile(name, () => readStored(bytes).tensors));
  const repeated = tensors.find(({ name }, i) => tensors.findIndex((other) => other.name === name) !== i);
  if (repeated) throw unusable(`two shards hold ${repeated.name}`);
  return writeStored({ tensors, metadata });
}

/** @throws LoomError `data_unavailable` for bytes that `packFolder` did not make */
export function unpackFolder(packed: Uint8Array): PackedModel {
  const { tensors, metadata } = inFile('packed model', () => readStored(packed));
  const texts = new Map(
    Object.entries(metadata).filter(([name]) => required.includes(name) || optional.includes(name)),
  );
  const missing = required.find((name) => !texts.has(name));
  if (missing !== undefined) throw unusable(`the packed model has no ${missing}`);
  return { texts, tensors };
}

const shardIndex = z.looseObject({ weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)) });

async function weightFiles(read: ReadFile): Promise<[name: string, bytes: Uint8Array][]> {
  const single = await read(singleFile);
  if (single !== null) return [[singleFile, single]];
  const index = await read(indexFile);
  if (index === null) throw unusable(`the folder has no ${singleFile}`, `${singleFile}, or shards with ${indexFile}`);
  const parsed = shardIndex.safeParse(parseJson(indexFile, decode(indexFile, index)));
  if (!parsed.success) throw unusable(`${indexFile} has no weight_map of *.safetensors files`);
  const shards: [string, Uint8Array][] = [];
  for (const name of [...new Set(Object.values(parsed.data.weight_map))].sort()) {
    const bytes = await read(name);
    if (bytes === null) throw unusable(`the folder has no ${name}, which ${indexFile} names`);
    shards.push([name, bytes]);
  }
  return shards;
}

/** @throws LoomError `data_unavailable` naming the file */
export function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unusable(`${name} is not JSON`, undefined, cause);
  }
}

/** An error of a model folder, at the manifest's field. */
export function unusable(message: string, allowed?: string, cause?: unknown): LoomError {
  const where = 'spec.model.from';
  return new LoomError('data_unavailable', message, { where, ...(allowed !== undefined && { allowed }), cause });
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unusable(`${name} is not UTF-8 text`, undefined, cause);
  }
}

/** Says of a file's fault which file it is. */
export function inFile<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof LoomError)) throw cause;
    throw unusable(`${name}: ${cause.message}`, cause.allowed, cause);
  }
}

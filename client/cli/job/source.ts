// From a manifest's data source to bytes on this machine: `file:PATH`, `npm:PACKAGE[/PATH]`, `https://…`. The command line
// uploads them, so that the coordinator and the workers know a dataset only by its SHA-256.

import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { maxDatasetBytes } from '../../../shared/api/schemas.ts';
import { LoomError } from '../../../shared/errors.ts';
import { projectFolder } from '../../node/embed/project.ts';

const where = 'spec.data.source';

/**
 * @param source as the manifest has it
 * @param folder the manifest's, which relative paths are relative to
 * @returns the bytes, or null for `dataset:`, which the coordinator has already
 * @throws LoomError `data_unavailable` at spec.data.source
 */
export async function readSource(source: string, folder: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (source.startsWith('dataset:')) return null;
  const bytes = await read(source, folder);
  checkSize(bytes.length, source);
  if (bytes.length === 0) throw unavailable(`${source} is empty`, 'a source with text in it');
  return bytes;
}

function checkSize(bytes: number, what: string): void {
  if (bytes <= maxDatasetBytes) return;
  throw unavailable(`${what} has ${Math.ceil(bytes / 2 ** 20)} MiB`, `at most ${maxDatasetBytes / 2 ** 20} MiB`);
}

function read(source: string, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  if (source.startsWith('file:')) return readFileSource(source, folder);
  if (source.startsWith('npm:')) return readPackage(source.slice('npm:'.length), folder);
  return download(source);
}

async function readFileSource(source: string, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const path = source.startsWith('file://') ? fileURLToPath(source) : source.slice('file:'.length);
  const file = resolve(folder, path);
  checkSize((await stat(file).catch(() => null))?.size ?? 0, file); // before it is read: it may not fit into memory
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EISDIR') throw unavailable(`${file} is a folder`, 'a file', cause);
    const what = code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${code})`;
    throw unavailable(what, 'a path that exists, relative to the manifest or absolute', cause);
  }
}

async function readPackage(reference: string, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const [, name, path] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.+))?$/.exec(reference) ?? [];
  if (name === undefined) throw unavailable(`'${reference}' names no package`, 'npm:PACKAGE or npm:PACKAGE/FILE');
  const home = await findPackage(name, [folder, projectFolder]);
  if (home === null) throw unavailable(`the npm package ${name} is not installed`, `npm install ${name}`);
  const target = join(home, path ?? '');
  const files = path !== undefined && /\.\w+$/.test(path) ? [target] : await textFiles(target);
  if (files.length === 0)
    throw unavailable(`${reference} has no text files`, 'a package with .txt files, or npm:PACKAGE/FILE');
  const parts = await Promise.all(
    files.map((file) =>
      readFile(file).catch((cause: unknown) =>
        Promise.reject(unavailable(`${name} has no file ${path}`, 'a file of the package', cause)),
      ),
    ),
  );
  return joinTexts(parts);
}

/** The package's folder, looked for as Node does: in node_modules of each folder and of those above it. */
async function findPackage(name: string, starts: readonly string[]): Promise<string | null> {
  for (const start of starts) {
    for (let folder = resolve(start); ; folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name);
      if (await stat(join(candidate, 'package.json')).catch(() => null)) return candidate;
      if (folder === dirname(folder)) break;
    }
  }
  return null;
}

/** The .txt files of a folder, in the order that a file_list.json beside them gives, else by name, numbers by value. */
async function textFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const inside = names.filter((name) => !name.includes('node_modules'));
  const list = inside.find((name) => name.endsWith('file_list.json'));
  if (list !== undefined) {
    const listed = JSON.parse(await readFile(join(folder, list), 'utf8')) as string[];
    return listed.map((name) => join(folder, dirname(list), name));
  }
  const byName = new Intl.Collator('en', { numeric: true }).compare;
  return inside
    .filter((name) => name.endsWith('.txt'))
    .toSorted(byName)
    .map((name) => join(folder, name));
}

function joinTexts(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from('\n'), part]))));
}

async function download(url: string): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw unavailable(`${url} cannot be reached`, 'an https address that answers', cause);
  }
  throw unavailable(`${url} answers ${response.status}`, 'an https address that answers');
}

function unavailable(message: string, allowed: string, cause?: unknown): LoomError {
  return new LoomError('data_unavailable', message, { where, allowed, cause });
}

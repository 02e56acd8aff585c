// Reading a manifest from disk, so that whatever is wrong with it is said with file, line and column.

import { readFile } from 'node:fs/promises';
import { isNode, LineCounter, parse, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { LoomError } from '../../../shared/errors.ts';
import { parseManifest } from '../../../shared/manifest/manifest.ts';
import type { Manifest } from '../../../shared/manifest/manifest.ts';
import type { Option } from '../command.ts';
import { inFile } from './in-file.ts';

export const setOption: Readonly<Record<string, Option>> = {
  set: { value: 'FIELD=VALUE', summary: 'change a field, as spec.seed=2; may be repeated', isList: true },
};

/**
 * @param changes as --set has them
 * @throws LoomError `invalid_manifest`, its `where` beginning with the file, or `invalid_request` for what is no change
 */
export async function readManifestFile(file: string, changes: readonly string[] = []): Promise<Manifest> {
  return manifestOf(await readText(file), file, changes);
}

/** @param name what to call the text in messages */
export function manifestOf(text: string, name: string, changes: readonly string[] = []): Manifest {
  if (text.trim() === '')
    throw new LoomError('invalid_manifest', 'the manifest is empty', {
      where: name,
      allowed: 'a TrainingJob; see examples/',
    });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new LoomError('invalid_manifest', `not valid YAML: ${firstLine(fault.message)}`, {
      where: `${name}:${line}:${col}`,
      cause: fault,
    });
  }
  for (const change of changes) apply(change, document);
  try {
    return parseManifest(document.toJS());
  } catch (error) {
    const path = error instanceof LoomError ? (error.where ?? '') : '';
    throw inFile(error, `${name}${placeOf(document, lines, path.split('.'))}`);
  }
}

/** Whether the field exists, and may have the value, is seen when the manifest is parsed. */
function apply(change: string, document: Document): void {
  const [, field, value] = /^(\w+(?:\.\w+)+)=(.*)$/s.exec(change) ?? [];
  try {
    if (field === undefined) throw new Error('no field');
    document.setIn(field.split('.'), parse(value!));
  } catch (cause) {
    throw new LoomError('invalid_request', `'${change}' is no change of this manifest`, {
      where: '--set',
      allowed: 'FIELD=VALUE, such as spec.optimizer.learningRate=0.003',
      cause,
    });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a folder' : `cannot be read (${code})`;
    throw new LoomError('invalid_manifest', what, { where: file, allowed: 'a manifest in YAML or JSON', cause });
  }
}

/** `:line:column` of the field, or of the nearest field around it that the text has. */
function placeOf(document: Document, lines: LineCounter, path: readonly string[]): string {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (!isNode(node) || !node.range) continue;
    const { line, col } = lines.linePos(node.range[0]);
    return `:${line}:${col}`;
  }
  return '';
}

// The YAML library says ' at line 3, column 5:' and shows the place in further lines; file:line:column says it already.
function firstLine(message: string): string {
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

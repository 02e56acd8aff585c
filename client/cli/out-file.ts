// What a command leaves on disk: whole or not at all, and never over something else unless that was asked for.

import { existsSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LoomError } from '../../shared/errors.ts';
import type { Call, Option } from './command.ts';

export const forceOption: Readonly<Record<string, Option>> = { force: { summary: 'replace what is there already' } };

/** @throws LoomError `invalid_request` when the file is there and --force was not given */
export function checkFree(call: Call, file: string, option: string): void {
  if (call.options['force'] === true || !existsSync(file)) return;
  throw new LoomError('invalid_request', `${file} exists already`, {
    where: `--${option}`,
    allowed: 'another file, or --force',
  });
}

/**
 * @param jobId whose results may be written again; null: nobody's
 * @throws LoomError `invalid_request` when the folder holds another job's results
 */
export function checkFreeFolder(folder: string, jobId: string | null): void {
  const holder = jobOf(folder);
  if (holder === null || holder === jobId) return;
  throw new LoomError('invalid_request', `${folder} holds the results of ${holder}`, {
    where: '--out',
    allowed: 'another folder, or --force',
  });
}

/** Whose results lie in a folder; null for none. */
function jobOf(folder: string): string | null {
  const report = join(folder, 'report.json');
  try {
    return String((JSON.parse(readFileSync(report, 'utf8')) as { job?: unknown }).job);
  } catch {
    return existsSync(report) || existsSync(join(folder, 'model.safetensors')) ? 'another job' : null;
  }
}

/** Writes beside the file first, so that an end in the middle leaves the older one. */
export async function writeWhole(file: string, bytes: Uint8Array | string): Promise<void> {
  const part = `${file}.part`;
  try {
    await writeFile(part, bytes);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** The same for a file that an option names. @throws LoomError `invalid_request` when it cannot be written */
export async function writeNamed(file: string, bytes: Uint8Array | string, option: string): Promise<void> {
  try {
    await writeWhole(file, bytes);
  } catch (cause) {
    const message = `${file} cannot be written (${(cause as NodeJS.ErrnoException).code})`;
    throw new LoomError('invalid_request', message, {
      where: `--${option}`,
      allowed: 'a file that can be written',
      cause,
    });
  }
}

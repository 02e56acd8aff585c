// What a script can tell from how `loomos` ended.

import { LoomError } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';

export const exitCode = {
  ok: 0,
  failed: 1, // the job failed, or something unexpected happened
  badInput: 2, // arguments, manifest, data, or a name that does not exist
  unreachable: 3, // no coordinator answers
  interrupted: 130, // Ctrl-C or SIGTERM
} as const;

const badInput: readonly ErrorCode[] = [
  'invalid_manifest',
  'invalid_request',
  'data_unavailable',
  'message_too_large',
  'not_found',
  'unauthorized',
  'forbidden',
];

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof LoomError)) return exitCode.failed;
  if (error.code === 'unavailable') return exitCode.unreachable;
  return badInput.includes(error.code) ? exitCode.badInput : exitCode.failed;
}

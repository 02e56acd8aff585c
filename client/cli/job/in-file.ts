// An error about a field, told with the file that the field is in.

import { LoomError } from '../../../shared/errors.ts';

/** The same error with `place` (a file, or file:line:column) before its `where`; anything else unchanged. */
export function inFile(error: unknown, place: string): unknown {
  if (!(error instanceof LoomError)) return error;
  const where = error.where === undefined || error.where === '' ? place : `${place}: ${error.where}`;
  const allowed = error.allowed === undefined ? {} : { allowed: error.allowed };
  return new LoomError(error.code, error.message, { where, cause: error, ...allowed });
}

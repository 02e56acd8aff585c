// A job's manifest as it arrives: YAML, of which JSON is a part.

import { parse, YAMLParseError } from 'yaml';
import { LoomError } from '../../shared/errors.ts';
import { parseManifest } from '../../shared/manifest/manifest.ts';
import type { Manifest } from '../../shared/manifest/manifest.ts';

/** @throws LoomError `invalid_manifest` with the line, or the field, that is wrong. */
export function readManifest(text: string): Manifest {
  return parseManifest(plainData(text));
}

function plainData(text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    const line = cause.linePos?.[0].line;
    throw new LoomError('invalid_manifest', cause.message.split('\n')[0]!, {
      where: line === undefined ? 'manifest' : `line ${line}`,
      cause,
    });
  }
}

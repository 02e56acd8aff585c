// The files of a model folder, whatever its kind.

import { utf8 } from '../../../shared/bytes.ts';
import type { ModelFile } from '../model.ts';
import { writeSafetensors } from './safetensors.ts';
import type { NamedArray } from './safetensors.ts';

export function weightsFile(tensors: readonly NamedArray[]): ModelFile {
  return { name: 'model.safetensors', bytes: writeSafetensors({ tensors, metadata: { format: 'pt' } }) };
}

export function jsonFile(name: string, content: object): ModelFile {
  return { name, bytes: utf8(`${JSON.stringify(content, null, 2)}\n`) };
}

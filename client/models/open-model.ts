// The model that a manifest names: with random first parameters, or with those of a folder.

import { LoomError } from '../../shared/errors.ts';
import type { ModelSettings } from '../../shared/manifest/model.ts';
import type { Model } from './model.ts';
import { openPretrained } from './pretrained.ts';
import { randomModel } from './random-model.ts';

/**
 * @param packed the folder that a pretrained model came in (pack.ts); null for others
 * @throws LoomError `data_unavailable` for a folder that is no model of a supported kind
 */
export function openModel(settings: ModelSettings, packed: Uint8Array | null): Model {
  if (settings.kind !== 'pretrained') return randomModel(settings);
  if (packed === null) throw new LoomError('internal', 'a pretrained model without its files');
  return openPretrained(settings, packed);
}

// How many bytes a job's uploads may have, from its manifest. An upper bound on the parameters with room for padding and
// headers: the coordinator knows no tensors, it only refuses what cannot be one of this model's.

import type { Manifest } from '../../../shared/manifest/manifest.ts';

const slackBytes = 1024 * 1024;
const byteVocabulary = 512; // 256 bytes and special tokens, padded
const storedBytes = 2; // that a parameter has at least in a pretrained model

export interface UploadLimits {
  checkpointBytes: number; // parameters and outer momentum, float32
  artifactBytes: number; // one file
  payloadBytes: number; // one contribution
}

export function uploadLimits(manifest: Manifest): UploadLimits {
  const bytes = maxParameters(manifest) * 4;
  return {
    checkpointBytes: 2 * bytes + slackBytes,
    artifactBytes: bytes + slackBytes,
    payloadBytes: bytes + slackBytes,
  };
}

/** At least the number of parameters: matrices of a layer with the biases and norms, embeddings in and out, positions. */
function maxParameters(manifest: Manifest): number {
  const { model } = manifest.spec;
  if (model.kind === 'pretrained') return Math.ceil((model.bytes ?? 0) / storedBytes);
  const { layers, width, context } = model;
  const hidden = model.kind === 'gpt' ? 4 * width : 1.5 * (model.hidden ?? 16 * Math.ceil(width / 6)); // of two matrices
  const layer = 4 * width * width + 2 * width * hidden + 20 * width;
  return Math.ceil(1.1 * (layers * layer + width * (2 * byteVocabulary + context + 2)));
}

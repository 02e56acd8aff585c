// How many bytes a job's uploads may have, from its manifest. An upper bound on the parameters with room for padding and
// headers: the coordinator knows no tensors, it only refuses what cannot be one of this model's.

import type { Manifest } from '../../shared/manifest/manifest.ts';

const slackBytes = 1024 * 1024;
const byteVocabulary = 512; // 256 bytes and special tokens, padded

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

/** At least the number of parameters: 12 width² a layer with the biases and norms, embeddings in and out, positions. */
function maxParameters(manifest: Manifest): number {
  const { layers, width, context } = manifest.spec.model;
  const layer = 12 * width * width + 20 * width;
  return Math.ceil(1.1 * (layers * layer + width * (2 * byteVocabulary + context + 2)));
}

import { expect, test } from 'vitest';
import { modelSchema } from '../../../shared/manifest/model.ts';
import type { GptSettings, ModelSettings } from '../../../shared/manifest/model.ts';
import { uploadLimits } from './limits.ts';
import { manifest } from '../testing/fixtures.ts';

test('uploads may be as large as the model, not much larger', () => {
  const { width, layers, context } = manifest.spec.model as GptSettings;
  const parameters = 2 * 256 * width + context * width + layers * (12 * width ** 2 + 13 * width) + 2 * width;
  const { checkpointBytes, artifactBytes, payloadBytes } = uploadLimits(manifest);
  for (const bytes of [artifactBytes, payloadBytes]) expect(bytes).toBeGreaterThan(4 * parameters);
  expect(checkpointBytes).toBeGreaterThan(8 * parameters);
  expect(checkpointBytes).toBeLessThan(8 * parameters * 1.5 + 2 ** 21);
});

test('a Llama, and the folder that a job begins with, bound them as well', () => {
  const withModel = (model: ModelSettings) => ({ ...manifest, spec: { ...manifest.spec, model } });
  const llama = modelSchema.parse({ kind: 'llama', width: 64, hidden: 1000, layers: 2 });
  const parameters = 2 * 256 * 64 + 2 * (4 * 64 ** 2 + 3 * 64 * 1000 + 2 * 64) + 64;
  const limits = uploadLimits(withModel(llama));
  expect(limits.artifactBytes).toBeGreaterThan(4 * parameters);
  expect(limits.artifactBytes).toBeLessThan(4 * parameters * 1.5 + 2 ** 20);
  const half = modelSchema.parse({ from: 'dataset:x', bytes: 2_000_000 }); // at most a million parameters
  expect(uploadLimits(withModel(half)).artifactBytes).toBe(4_000_000 + 2 ** 20);
});

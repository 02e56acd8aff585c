import { expect, test } from 'vitest';
import type { GptSettings } from '../../shared/manifest/model.ts';
import { uploadLimits } from './limits.ts';
import { manifest } from './testing/fixtures.ts';

test('uploads may be as large as the model, not much larger', () => {
  const { width, layers, context } = manifest.spec.model as GptSettings;
  const parameters = 2 * 256 * width + context * width + layers * (12 * width ** 2 + 13 * width) + 2 * width;
  const { checkpointBytes, artifactBytes, payloadBytes } = uploadLimits(manifest);
  for (const bytes of [artifactBytes, payloadBytes]) expect(bytes).toBeGreaterThan(4 * parameters);
  expect(checkpointBytes).toBeGreaterThan(8 * parameters);
  expect(checkpointBytes).toBeLessThan(8 * parameters * 1.5 + 2 ** 21);
});

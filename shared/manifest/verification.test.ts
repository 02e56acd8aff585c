import { expect, test } from 'vitest';
import { LoomError } from '../errors.ts';
import { parseManifest } from './manifest.ts';
import { isRepeatable, verificationSettings } from './verification.ts';

function manifest(verification: unknown, topology: unknown = 'auto'): unknown {
  return {
    apiVersion: 'loomos.ai/v1',
    kind: 'TrainingJob',
    metadata: { name: 'test' },
    spec: {
      algorithm: 'lm',
      model: { kind: 'gpt' },
      data: { source: 'npm:text' },
      rounds: { topology },
      runtime: { maxTokens: 1000 },
      verification,
    },
  };
}

test('a name stands for its settings, and options have defaults', () => {
  expect(verificationSettings('none')).toEqual({ isOn: false, gate: false, audits: 0 });
  expect(verificationSettings('standard')).toEqual({ isOn: true, gate: true, audits: 0.1 });
  const { verification } = parseManifest(manifest({ audits: 0 })).spec;
  expect(verificationSettings(verification)).toEqual({ isOn: true, gate: true, audits: 0 });
  expect([isRepeatable(verification), isRepeatable('standard'), isRepeatable('none')]).toEqual([false, true, false]);
});

test.each(['ring', 'groups', { kind: 'tree' }])(
  'verification with topology %j is an error at its field',
  (topology) => {
    expect(() => parseManifest(manifest('none', topology))).not.toThrow();
    expect(() => parseManifest(manifest('standard', topology))).toThrow(
      expect.objectContaining({ name: 'LoomError', where: 'spec.verification' }),
    );
  },
);

test('what no verification has is refused', () => {
  expect(() => parseManifest(manifest({ audits: 0.6 }))).toThrow(LoomError);
  expect(() => parseManifest(manifest({ judges: 3 }))).toThrow(LoomError);
});

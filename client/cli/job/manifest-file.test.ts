import { expect, test } from 'vitest';
import { describeError } from '../../../shared/errors.ts';
import { projectFolder } from '../../node/embed/project.ts';
import { manifestOf, readManifestFile } from './manifest-file.ts';

const good = `apiVersion: loomos.ai/v1
kind: TrainingJob
metadata: { name: mine }
spec:
  algorithm: lm
  model: { kind: gpt, heads: 4, width: 64 }
  data: { source: 'file:./my.txt' }
  optimizer: { learningRate: 1.0e-3 }
  runtime: { maxTokens: 1000 }
`;

function faultOf(text: string): string {
  try {
    manifestOf(text, 'job.yaml');
  } catch (error) {
    return describeError(error);
  }
  throw new Error('accepted');
}

test('a manifest in YAML or JSON, with its defaults', () => {
  const manifest = manifestOf(good, 'job.yaml');
  expect(manifest.spec.model).toMatchObject({ kind: 'gpt', layers: 4 });
  expect(manifestOf(JSON.stringify(manifest), 'job.json')).toEqual(manifest);
});

test('a wrong field is told with its line, its path and what is allowed', () => {
  expect(faultOf(good.replace('width: 64', 'width: 65'))).toMatch(
    /^job\.yaml:6:\d+: spec\.model\.width: must be a multiple of heads/,
  );
  expect(faultOf(good.replace('kind: gpt', 'kind: rnn'))).toMatch(
    /^job\.yaml:6:18: spec\.model\.kind: .*\(allowed: gpt, llama, pretrained\)$/,
  );
  expect(faultOf(good.replace('learningRate', 'learningrate'))).toMatch(
    /^job\.yaml:8:14: spec\.optimizer: .*learningrate/,
  );
  expect(faultOf(good.replace(/ {2}data:.*\n/, ''))).toMatch(/^job\.yaml:5:3: spec\.data: /);
  expect(faultOf('just words')).toMatch(/^job\.yaml: manifest: /);
});

test('broken YAML is told with line and column', () => {
  expect(faultOf(good.replace('{ name: mine }', '{ name: mine'))).toMatch(/^job\.yaml:4:\d+: not valid YAML: /);
  expect(faultOf(good.replace('kind: TrainingJob', '\tkind: TrainingJob'))).toMatch(
    /^job\.yaml:2:\d+: not valid YAML: /,
  );
});

test('an empty file, no file, a folder', async () => {
  expect(faultOf(' \n')).toBe('job.yaml: the manifest is empty (allowed: a TrainingJob; see examples/)');
  await expect(readManifestFile('no/such.yaml')).rejects.toThrow(
    expect.objectContaining({ where: 'no/such.yaml', message: 'no such file' }),
  );
  await expect(readManifestFile(projectFolder)).rejects.toThrow(expect.objectContaining({ message: 'is a folder' }));
});

test.each(['decoupled-momentum.yaml', 'moby-dick.yaml', 'own-text.yaml'])(
  'the example %s is a good manifest',
  async (name) => {
    const manifest = await readManifestFile(`${projectFolder}/examples/${name}`);
    expect(`${manifest.metadata.name}.yaml`).toBe(name);
  },
);

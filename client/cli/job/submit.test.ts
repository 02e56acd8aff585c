import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeError } from '../../../shared/errors.ts';
import { unpackFolder } from '../../models/files/pack.ts';
import { prepare } from './submit.ts';

const golden = join(import.meta.dirname, '..', '..', '..', 'test', 'golden', 'models', 'gpt2');

/** A manifest beside a model folder and 3,000 bytes of text. */
function project(model = "{ from: 'file:./my-model', context: 16 }"): { file: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'loomos-submit-'));
  cpSync(golden, join(folder, 'my-model'), { recursive: true });
  writeFileSync(join(folder, 'my.txt'), 'Call me Ishmael. '.repeat(180));
  const file = join(folder, 'job.yaml');
  writeFileSync(
    file,
    `apiVersion: loomos.ai/v1
kind: TrainingJob
metadata: { name: mine }
spec:
  algorithm: lm
  model: ${model}
  data: { source: 'file:./my.txt' }
  runtime: { maxTokens: 1000 }
`,
  );
  return { file, folder };
}

const faultOf = async (file: string): Promise<string> => prepare(file).then(() => 'accepted', describeError);

test('a model folder is packed and checked before anything starts', async () => {
  const { file } = project();
  const { manifest, data, weights } = await prepare(file);
  expect(manifest.spec.model).toMatchObject({ kind: 'pretrained', from: 'file:./my-model' });
  expect(data!.length).toBe(17 * 180);
  expect([...unpackFolder(weights!).texts.keys()]).toEqual([
    'config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'generation_config.json',
  ]);
});

test('what is wrong with it is one message with the manifest, the field, and what is allowed', async () => {
  const gone = project("{ from: 'file:./no-model' }");
  expect(await faultOf(gone.file)).toMatch(/job\.yaml: spec\.model\.from: there is no folder .*no-model \(allowed: /);
  const bare = project();
  rmSync(join(bare.folder, 'my-model', 'tokenizer.json'));
  expect(await faultOf(bare.file)).toMatch(/spec\.model\.from: the folder has no tokenizer\.json \(allowed: /);
  const long = project("{ from: 'file:./my-model', context: 32 }");
  expect(await faultOf(long.file)).toMatch(/spec\.model\.from: a context of 32 tokens .*\(allowed: at most 24\)/);
});

test('a text of too few tokens is told as such, however many bytes it has', async () => {
  const { file, folder } = project();
  writeFileSync(join(folder, 'my.txt'), 'me Ishmael. '.repeat(16)); // 192 bytes
  expect(await faultOf(file)).toMatch(/spec\.data\.source: \d+ tokens are too few .*\(allowed: 180 tokens or more/);
});

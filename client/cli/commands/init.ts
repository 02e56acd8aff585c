// `loomos init`: a manifest to begin with, made from the examples.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../node/embed/project.ts';
import { textOption } from '../command.ts';
import type { Call, Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { manifestOf } from '../job/manifest-file.ts';
import { checkFree, forceOption, writeNamed } from '../out-file.ts';

export const init: Command = {
  name: 'init',
  summary: 'write a manifest to begin with',
  details: `
A small GPT that learns your text from nothing or, with --model, a model of yours that is trained on. Paths are relative to the
manifest. Change what you like in it; docs/training.md and docs/bytes.md say what there is.

  loomos init --text my.txt
  loomos run job.yaml`,
  options: {
    text: { value: 'FILE', summary: 'the text to train on: a path, https://… or npm:PACKAGE', default: 'my.txt' },
    model: { value: 'DIR', summary: 'train the model in this folder on (GPT-2, Llama, Mistral, Qwen2, Qwen3)' },
    out: { value: 'FILE', summary: 'the manifest to write', default: 'job.yaml' },
    ...forceOption,
  },
  run: async (call) => {
    const file = textOption(call, 'out')!;
    checkFree(call, file, 'out');
    const text = await manifestText(call, file);
    manifestOf(text, file); // what it says must be accepted
    await writeNamed(file, text, 'out');
    call.terminal.result({ file }, `${file} is written; next: loomos run ${file}`);
    return exitCode.ok;
  },
};

async function manifestText(call: Call, file: string): Promise<string> {
  const model = textOption(call, 'model');
  const example = model === undefined ? 'own-text.yaml' : 'own-model.yaml';
  const text = await readFile(join(projectFolder, 'examples', example), 'utf8');
  const source = textOption(call, 'text')!;
  return text
    .replaceAll(`examples/${example}`, () => file)
    .replace(`'file:./my.txt'`, () => quoted(/^(file:|npm:|https:\/\/)/.test(source) ? source : `file:${source}`))
    .replace(`'file:./my-model'`, () => quoted(`file:${model}`));
}

/** As YAML quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

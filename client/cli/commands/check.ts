// `loomos check FILE DIR`: whether a model wrote a text, by the fingerprint that `loomos generate --fingerprint` left.

import { readFile } from 'node:fs/promises';
import { LoomError } from '../../../shared/errors.ts';
import type { FingerprintVerdict } from '../../../shared/verification/fingerprint.ts';
import type { Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { inFile } from '../job/in-file.ts';
import { backendOption } from '../parse.ts';

export const check: Command = {
  name: 'check',
  summary: 'whether a model wrote a text, by its fingerprint',
  details: `
FILE is what \`loomos generate DIR --fingerprint FILE\` wrote, DIR the model. The model runs once over the text and says: genuine,
altered text, another precision (quantized weights, for one) or another model. Exit code 1 unless it is genuine.

  loomos generate out/demo --prompt "Call me" --fingerprint call.json
  loomos check call.json out/demo`,
  arguments: ['FILE', 'DIR'],
  options: { backend: { value: 'KIND', summary: 'auto, webgpu or cpu', default: 'auto' } },
  run: async (call) => {
    const [file, folder] = call.arguments as [string, string];
    const { openModelFolder, parseFingerprint, checkText } = await import('../../sdk/node.ts'); // the kernels
    const fingerprint = await readText(file)
      .then(parseFingerprint)
      .catch((error: unknown) => {
        throw inFile(error, file);
      });
    const model = await openModelFolder(folder);
    const verdict = await checkText(model, fingerprint, { backend: backendOption(call) });
    call.terminal.result({ ...verdict, tokens: fingerprint.tokens.length }, sentence(verdict));
    return verdict.finding === 'genuine' ? exitCode.ok : exitCode.failed;
  },
};

function sentence({ finding, alteredAt, medianError }: FingerprintVerdict): string {
  const place = alteredAt === null ? '' : ` at token ${alteredAt}, or just before it`;
  return `${finding}${place} (logits differ by ${medianError.toExponential(1)} of their spread)`;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = code === 'ENOENT' ? 'no such file' : `it cannot be read (${code})`;
    throw new LoomError('invalid_request', message, { allowed: 'what `loomos generate --fingerprint` wrote', cause });
  }
}

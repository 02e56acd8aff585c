// `loomos generate DIR`: text that a trained model writes, token by token as it comes.

import { LoomError } from '../../../shared/errors.ts';
import type { Piece, WriteOptions } from '../../sdk/node.ts';
import { backendOption, choiceOption, realNumber, wholeNumber } from '../parse.ts';
import { listOption, textOption } from '../command.ts';
import type { Call, Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { checkFree, forceOption, writeNamed } from '../out-file.ts';

const mostTokens = 1_000_000;
const mostTexts = 256;

export const generate: Command = {
  name: 'generate',
  summary: 'let a trained model write',
  details: `
DIR is a folder that a job left, or one of Hugging Face's with a GPT-2, Llama, Mistral, Qwen2 or Qwen3. The text goes to standard
output, what wrote it and how fast to standard error. The same seed gives the same text on the same device; of several texts,
which a step reads the weights once for, each is drawn with a seed one higher than the one before.

  loomos generate out/demo --prompt "Call me" --tokens 300 --temperature 0.8
  loomos generate out/demo --prompt "Call me" --prompt "It was" --samples 4`,
  arguments: ['DIR'],
  options: {
    prompt: { value: 'TEXT', summary: 'what a text begins with (default: a new line); may be repeated', isList: true },
    samples: { value: 'N', summary: 'texts of each prompt, all written at once', default: '1' },
    tokens: { value: 'N', summary: 'how many to write at most', default: '200' },
    temperature: { value: 'T', summary: 'below 1 is more cautious; 0 always takes the likeliest', default: '0.8' },
    'top-k': { value: 'K', summary: 'draw only from so many likeliest tokens; 0: from all', default: '40' },
    'top-p': { value: 'P', summary: 'and only from those that together have this probability', default: '1' },
    seed: { value: 'N', summary: 'of the random numbers', default: '1' },
    quantize: { value: 'FORMAT', summary: 'none, int8 or nf4: bits that a weight takes in memory', default: 'none' },
    precision: {
      value: 'P',
      summary: 'f32 or f16: of the positions so far, and of reading prompts, on GPUs with f16',
      default: 'f32',
    },
    backend: { value: 'KIND', summary: 'auto, webgpu or cpu', default: 'auto' },
    fingerprint: { value: 'FILE', summary: 'of a single text: write what `loomos check` tells its writer by' },
    ...forceOption,
  },
  endsItself: true,
  run: async (call) => {
    const { terminal, signal } = call;
    const prompts = promptsOf(call);
    const file = fingerprintFile(call, prompts.length);
    const { FingerprintRecorder, openModelFolder, startWriter } = await import('../../sdk/node.ts'); // the kernels: nothing other commands need
    const options = { ...writeOptions(call), ...(file !== null && { recorder: new FingerprintRecorder() }) };
    const model = await openModelFolder(call.arguments[0]!);
    const lengths = prompts.map((prompt) => model.model.tokenizer.encode(new TextEncoder().encode(prompt)).length);
    const writer = await startWriter(model, {
      backend: backendOption(call),
      tokens: Math.max(...lengths) + options.tokens,
      texts: prompts.length,
      precision: choiceOption(call, 'precision', ['f32', 'f16']),
      ...quantizeOption(call),
    });
    terminal.say(writer.why);
    const { texts, tokens, seconds } = await write(writer.writeAll(prompts, options), prompts, call);
    if (file !== null)
      await writeNamed(file, `${JSON.stringify(writer.fingerprint(prompts[0]!, options))}\n`, 'fingerprint');
    writer.close();
    const tokensPerSecond = tokens / seconds;
    const { adapter, why, weightBytes } = writer;
    const written = texts.length === 1 ? texts[0]! : { texts };
    if (terminal.isJson)
      terminal.result({ ...written, tokens, seconds, tokensPerSecond, weightBytes, adapter, why }, '');
    terminal.say(`${tokens} tokens in ${seconds.toFixed(2)} s, ${tokensPerSecond.toFixed(0)} tokens/s on ${adapter}`);
    terminal.say(`Each step reads ${(weightBytes / 1e6).toFixed(1)} MB of weights`);
    return signal.aborted ? exitCode.interrupted : exitCode.ok;
  },
};

/** Each prompt as often as samples of it are wanted. */
function promptsOf(call: Call): string[] {
  const given = listOption(call, 'prompt');
  const samples = wholeNumber(textOption(call, 'samples')!, 'samples', 1, mostTexts);
  const prompts = (given.length > 0 ? given : ['\n']).flatMap((prompt) => Array<string>(samples).fill(prompt));
  if (prompts.length <= mostTexts) return prompts;
  throw new LoomError('invalid_request', `${prompts.length} texts at once are too many`, {
    where: '--samples',
    allowed: `prompts x samples up to ${mostTexts}`,
  });
}

function fingerprintFile(call: Call, texts: number): string | null {
  const file = textOption(call, 'fingerprint') ?? null;
  if (file !== null) checkFree(call, file, 'fingerprint');
  if (file !== null && textOption(call, 'precision') !== 'f32')
    throw new LoomError('invalid_request', 'a fingerprint is of what f32 writes', {
      where: '--fingerprint',
      allowed: '--precision f32',
    });
  if (file === null || texts === 1) return file;
  throw new LoomError('invalid_request', 'a fingerprint is of one text', {
    where: '--fingerprint',
    allowed: 'one --prompt, and --samples 1',
  });
}

function quantizeOption(call: Call): { quantize?: 'int8' | 'nf4' } {
  const quantize = choiceOption(call, 'quantize', ['none', 'int8', 'nf4']);
  return quantize === 'none' ? {} : { quantize };
}

function writeOptions(call: Call): WriteOptions {
  const text = (name: string): string => textOption(call, name)!;
  return {
    tokens: wholeNumber(text('tokens'), 'tokens', 1, mostTokens),
    temperature: realNumber(text('temperature'), 'temperature', 0, 100),
    topK: wholeNumber(text('top-k'), 'top-k', 0, mostTokens),
    topP: realNumber(text('top-p'), 'top-p', 0, 1),
    seed: wholeNumber(text('seed'), 'seed', 0, 2 ** 32 - 1),
    rest: () => new Promise((resolve) => setImmediate(resolve)), // a chance to hear Ctrl-C
  };
}

/** Writes what comes, and says what it was. The time is that of all tokens: reading the prompts is in it. */
async function write(pieces: AsyncIterable<Piece>, prompts: readonly string[], { terminal, signal }: Call) {
  const start = performance.now();
  const texts = prompts.map((prompt) => ({ prompt, text: '', tokens: 0 }));
  const isLive = texts.length === 1 && !terminal.isJson; // several texts come at once, and are shown one after another
  if (isLive) terminal.write(prompts[0]!.trimStart());
  for await (const piece of pieces) {
    if (signal.aborted) break;
    const written = texts[piece.of]!;
    written.text += piece.text;
    written.tokens += piece.tokens;
    if (isLive) terminal.write(piece.text);
  }
  const seconds = (performance.now() - start) / 1000;
  if (isLive) terminal.write('\n');
  else if (!terminal.isJson) for (const { prompt, text } of texts) terminal.write(`${prompt.trimStart()}${text}\n\n`);
  return { texts, tokens: texts.reduce((sum, { tokens }) => sum + tokens, 0), seconds };
}

// `loomos generate DIR`: text that a trained model writes, token by token as it comes.

import type { WriteOptions } from '../../sdk/node.ts';
import { backendOption, choiceOption, realNumber, wholeNumber } from '../parse.ts';
import { textOption } from '../command.ts';
import type { Call, Command } from '../command.ts';
import { exitCode } from '../exit-code.ts';

const mostTokens = 1_000_000;

export const generate: Command = {
  name: 'generate',
  summary: 'let a trained model write',
  details: `
DIR is a folder that a job left, or one of Hugging Face's with a GPT-2, Llama, Mistral, Qwen2 or Qwen3. The text goes to standard
output, what wrote it and how fast to standard error. The same seed gives the same text on the same device.

  loomos generate out/demo --prompt "Call me" --tokens 300 --temperature 0.8 --top-k 40`,
  arguments: ['DIR'],
  options: {
    prompt: { value: 'TEXT', summary: 'what the text begins with (default: a new line)' },
    tokens: { value: 'N', summary: 'how many to write at most', default: '200' },
    temperature: { value: 'T', summary: 'below 1 is more cautious; 0 always takes the likeliest', default: '0.8' },
    'top-k': { value: 'K', summary: 'draw only from so many likeliest tokens; 0: from all', default: '40' },
    'top-p': { value: 'P', summary: 'and only from those that together have this probability', default: '1' },
    seed: { value: 'N', summary: 'of the random numbers', default: '1' },
    quantize: { value: 'FORMAT', summary: 'none, int8 or nf4: bits that a weight takes in memory', default: 'none' },
    backend: { value: 'KIND', summary: 'auto, webgpu or cpu', default: 'auto' },
  },
  run: async (call) => {
    const { terminal, signal } = call;
    const options = writeOptions(call);
    const prompt = textOption(call, 'prompt') ?? '\n';
    const { openModelFolder, startWriter } = await import('../../sdk/node.ts'); // the kernels: nothing other commands need
    const model = await openModelFolder(call.arguments[0]!);
    const room = model.model.tokenizer.encode(new TextEncoder().encode(prompt)).length + options.tokens;
    const quantize = quantizeOption(call);
    const writer = await startWriter(model, { backend: backendOption(call), tokens: room, ...quantize });
    terminal.say(writer.why);
    const { text, tokens, seconds } = await write(writer.write(prompt, options), prompt, call);
    writer.close();
    const tokensPerSecond = tokens / seconds;
    const { adapter, why, weightBytes } = writer;
    if (terminal.isJson)
      terminal.result({ prompt, text, tokens, seconds, tokensPerSecond, weightBytes, adapter, why }, '');
    terminal.say(`${tokens} tokens in ${seconds.toFixed(2)} s, ${tokensPerSecond.toFixed(0)} tokens/s on ${adapter}`);
    terminal.say(`Each token reads ${(weightBytes / 1e6).toFixed(1)} MB of weights`);
    return signal.aborted ? exitCode.interrupted : exitCode.ok;
  },
};

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

/** Writes what comes, and says what it was. The time is that of all tokens: reading the prompt is in it. */
async function write(
  pieces: AsyncIterable<{ text: string; tokens: number }>,
  prompt: string,
  { terminal, signal }: Call,
): Promise<{ text: string; tokens: number; seconds: number }> {
  const start = performance.now();
  let [text, tokens] = ['', 0];
  if (!terminal.isJson) terminal.write(prompt.trimStart());
  for await (const piece of pieces) {
    if (signal.aborted) break;
    text += piece.text;
    tokens += piece.tokens;
    if (!terminal.isJson) terminal.write(piece.text);
  }
  const seconds = (performance.now() - start) / 1000;
  if (!terminal.isJson) terminal.write('\n');
  return { text, tokens, seconds };
}

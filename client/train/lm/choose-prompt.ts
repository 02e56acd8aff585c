// Where a trained model begins when it shows what it learnt: a few words of the text held back from training.

import { utf8 } from '../../../shared/bytes.ts';
import type { Tokenizer, Tokens } from '../../models/tokens/tokenizer.ts';

/** Of the text that a prompt is looked for in. */
const promptText = 4096;

/** The beginning of a sentence of `text`, at most `length` tokens, ending with a word; any beginning where there is none. */
export function choosePrompt(text: Tokens, tokenizer: Tokenizer, length: number): Tokens {
  const words = tokenizer.decode(text.subarray(0, promptText));
  const stop = words.indexOf('. ');
  const sentence = tokenizer.encode(utf8(stop < 0 ? words : words.slice(stop + 2))).subarray(0, length);
  for (let end = sentence.length; end > 1; end--) {
    // The last token of a whole word is the one before a space: bytes have it after, other tokenizers within the next one.
    if (tokenizer.decode(sentence.subarray(end - 1, end)).startsWith(' ')) return sentence.subarray(0, end - 1);
  }
  return sentence;
}

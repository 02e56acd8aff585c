// The tokens that a model's tokenizer.json defines, read by Hugging Face's own JavaScript library. No special tokens are
// added: a job's data is one long text, and its windows begin anywhere in it.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { inFile, parseJson, unusable } from '../files/pack.ts';
import { allocateTokens } from './tokenizer.ts';
import type { Tokenizer, Tokens } from './tokenizer.ts';

/** Characters that are tokenised at a time: the library holds a string for each of their tokens. */
const pieceLength = 1 << 18;

/**
 * @param json of tokenizer.json
 * @param config of tokenizer_config.json, or null
 * @throws LoomError `data_unavailable` for a tokenizer that the library does not read
 */
export function openJsonTokenizer(json: string, config: string | null): Tokenizer {
  const file = 'tokenizer.json';
  const library = openLibrary(parseJson(file, json), config === null ? {} : parseJson('tokenizer_config.json', config));
  const vocabulary = 1 + Math.max(-1, ...library.get_vocab(true).values());
  if (vocabulary === 0) throw unusable(`${file} has no vocabulary`);
  return {
    vocabulary,
    encode: (text) => inFile(file, () => encode(library, new TextDecoder().decode(text), vocabulary)),
    decode(tokens) {
      if (tokens.length === 0) return ''; // which the library refuses
      return library.decode([...tokens], { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    },
  };
}

function openLibrary(json: unknown, config: unknown): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(json as object, config as object);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unusable(`tokenizer.json is not supported: ${why}`, undefined, cause);
  }
}

function encode(library: HuggingFaceTokenizer, text: string, vocabulary: number): Tokens {
  const pieces = piecesOf(text).map((piece) => library.encode(piece, { add_special_tokens: false }).ids);
  const tokens = allocateTokens(
    pieces.reduce((sum, ids) => sum + ids.length, 0),
    vocabulary,
  );
  let at = 0;
  for (const ids of pieces) {
    tokens.set(ids, at);
    at += ids.length;
  }
  return tokens;
}

/** Runs of whole lines, so that only very long texts are cut, and those where tokenizers cut as well. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    const line = text.indexOf('\n', start + pieceLength);
    const end = line < 0 ? text.length : line + 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

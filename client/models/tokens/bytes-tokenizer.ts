// Byte-level tokens: token id = byte value, 256 of them, no special tokens. As a Hugging Face `tokenizers` file it is a
// byte-level BPE without merges, whose vocabulary names each byte by GPT-2's printable stand-in for it.

import type { Tokenizer } from './tokenizer.ts';

export const byteVocabulary = 256;

export const bytesTokenizer: Tokenizer = {
  vocabulary: byteVocabulary,
  encode: (text) => text,
  decode: (tokens) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(tokens)),
};

/** The text of a `tokenizer.json` that the `tokenizers` and `transformers` libraries load. */
export function bytesTokenizerJson(): string {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const vocab = Object.fromEntries(printableBytes().map((character, byte) => [character, byte]));
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: [],
    },
  };
  return `${JSON.stringify(tokenizer, null, 2)}\n`;
}

/** GPT-2's bytes_to_unicode: printable Latin-1 bytes stand for themselves, the others for U+0100 onwards, in order. */
function printableBytes(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: byteVocabulary }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

// The seam between text and tokens. A job's data is tokenised once, when its trainer opens; ids take the fewest bytes that
// hold the vocabulary.

/** Token ids: 8 bits each for the bytes themselves, else 16 or 32. */
export type Tokens = Uint8Array | Uint16Array | Uint32Array;

export interface Tokenizer {
  /** Every id is below it. */
  readonly vocabulary: number;
  /** @param text UTF-8 */
  encode(text: Uint8Array): Tokens;
  /** Ids that are no text, or half a character, become U+FFFD; special tokens are written as their names. */
  decode(tokens: Tokens): string;
}

/** Zeros for ids below `vocabulary`. */
export function allocateTokens(length: number, vocabulary: number): Tokens {
  if (vocabulary <= 2 ** 8) return new Uint8Array(length);
  return vocabulary <= 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
}

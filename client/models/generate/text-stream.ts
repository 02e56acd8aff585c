// Tokens that come one by one, as text. A character may take several tokens, and some tokenizers write a token differently at the
// beginning of a text: tokens are decoded after those before them, and held back while the last character is half there.

import type { Tokenizer } from '../tokens/tokenizer.ts';

const replacement = '\uFFFD';
/** Tokens that a character takes at most: UTF-8's four bytes. */
const mostTokens = 4;
/** Tokens before the new ones that decide how those are written. */
const contextTokens = 8;

export class TextStream {
  readonly #tokenizer: Tokenizer;
  #said: number[] = []; // the latest
  #held: number[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that a token completes; empty while a character is half there. */
  push(token: number): string {
    this.#held.push(token);
    const text = this.#heldText();
    return text.endsWith(replacement) && this.#held.length < mostTokens ? '' : this.#say(text);
  }

  /** What was held back. */
  rest(): string {
    return this.#held.length === 0 ? '' : this.#say(this.#heldText());
  }

  #heldText(): string {
    const before = this.#decode(this.#said);
    return this.#decode([...this.#said, ...this.#held]).slice(before.length);
  }

  #say(text: string): string {
    this.#said = [...this.#said, ...this.#held].slice(-contextTokens);
    this.#held = [];
    return text;
  }

  #decode(tokens: readonly number[]): string {
    return this.#tokenizer.decode(Uint32Array.from(tokens));
  }
}

import { expect, test } from 'vitest';
import { utf8 } from '../../../shared/bytes.ts';
import { bytesTokenizer } from '../tokens/bytes-tokenizer.ts';
import { TextStream } from './text-stream.ts';

function pieces(bytes: ArrayLike<number>): string[] {
  const stream = new TextStream(bytesTokenizer);
  return [...Array.from(bytes, (token) => stream.push(token)), stream.rest()];
}

test('a character of several tokens comes whole', () => {
  expect(pieces(utf8('a€ß🐋'))).toEqual(['a', '', '', '€', '', 'ß', '', '', '', '🐋', '']);
});

test('what is no character comes all the same', () => {
  expect(pieces([0xff, 0x61]).join('')).toBe('\uFFFDa');
  expect(pieces([0x61, 0xe2]).join('')).toBe('a\uFFFD');
  expect(pieces([0x80, 0x80, 0x80, 0x80, 0x80, 0x62]).join('')).toBe('\uFFFD'.repeat(5) + 'b');
});

test('a tokenizer that drops the space at the beginning of a text loses none within', () => {
  const words = {
    vocabulary: 9,
    encode: () => new Uint8Array(),
    decode: (tokens: ArrayLike<number>) =>
      Array.from(tokens, (t) => ` w${t}`)
        .join('')
        .trimStart(),
  };
  const stream = new TextStream(words);
  expect([1, 2, 3].map((token) => stream.push(token)).join('')).toBe('w1 w2 w3');
});

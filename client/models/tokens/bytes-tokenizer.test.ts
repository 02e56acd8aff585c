import { expect, test } from 'vitest';
import { utf8 } from '../../../shared/bytes.ts';
import { bytesTokenizer, bytesTokenizerJson } from './bytes-tokenizer.ts';

test('text survives the way through tokens', () => {
  const text = '﻿“Call me Ishmael.” — 🐋\n';
  expect(bytesTokenizer.decode(bytesTokenizer.encode(utf8(text)))).toBe(text);
  expect(bytesTokenizer.decode(Uint8Array.of(0x41, 0xff, 0x42))).toBe('A�B');
});

test('the vocabulary is that of GPT-2 by byte, ids are byte values', () => {
  const { vocab, merges } = JSON.parse(bytesTokenizerJson()).model as {
    vocab: Record<string, number>;
    merges: string[];
  };
  expect(Object.keys(vocab).length).toBe(256);
  expect(merges).toEqual([]);
  // Well-known stand-ins of GPT-2: Ġ is the space, Ċ the newline, ł the byte 0xa0, Ń the soft hyphen.
  expect([vocab['Ġ'], vocab['Ċ'], vocab['A'], vocab['ÿ'], vocab['ł'], vocab['Ń']]).toEqual([
    32, 10, 65, 255, 0xa0, 0xad,
  ]);
});

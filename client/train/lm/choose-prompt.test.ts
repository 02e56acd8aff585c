import { expect, test } from 'vitest';
import { utf8 } from '../../../shared/bytes.ts';
import { bytesTokenizer } from '../../models/tokens/bytes-tokenizer.ts';
import { choosePrompt } from './choose-prompt.ts';

test('a prompt begins with a sentence and ends with a word', () => {
  const prompt = (text: string) => bytesTokenizer.decode(choosePrompt(utf8(text), bytesTokenizer, 16));
  expect(prompt('ten gold. Call me Ishmael, some years ago')).toBe('Call me');
  expect(prompt('no sentence here at all')).toBe('no sentence');
  expect(prompt('0123456789abcdefghij')).toBe('0123456789abcdef');
});

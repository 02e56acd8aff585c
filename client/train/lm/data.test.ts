import { expect, test } from 'vitest';
import { noTarget } from '../../../kernels/softmax/cross-entropy.ts';
import { createRandom } from '../../../shared/random.ts';
import { createBatch, drawBatch, evaluationWindows, fillBatch, splitData } from './data.ts';

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

test('the validation part is the end of the data', () => {
  const { train, validation } = splitData(counting(200), 0.1, 16);
  expect([train.length, validation.length, validation[0]]).toEqual([180, 20, 180]);
});

test('empty and too small data end in a message that says what is needed', () => {
  expect(() => splitData(new Uint8Array(0), 0.1, 16)).toThrow('the data is empty');
  const tooSmall = {
    code: 'data_unavailable',
    allowed: '180 tokens or more for context 16 and validationFraction 0.1',
  };
  expect(() => splitData(counting(160), 0.1, 16)).toThrow(expect.objectContaining(tooSmall));
  expect(splitData(counting(180), 0.1, 16).validation.length).toBe(18);
});

test('targets are the tokens that follow, and every place is drawn, the last one too', () => {
  const data = counting(20);
  const batch = createBatch(4, 16);
  const starts = new Set<number>();
  const random = createRandom(1);
  for (let i = 0; i < 50; i++) {
    drawBatch(batch, data, 16, random);
    for (let row = 0; row < 4; row++) starts.add(batch.tokens[row * 16]!);
    expect(batch.targets.map((target, i) => target - batch.tokens[i]!).every((distance) => distance === 1)).toBe(true);
  }
  expect([...starts].sort()).toEqual([0, 1, 2, 3]);
});

test('evaluation covers every byte but the first, once', () => {
  const windows = evaluationWindows(20, 8, 1000);
  expect(windows).toEqual([
    { start: 0, tokens: 8 },
    { start: 8, tokens: 8 },
    { start: 16, tokens: 3 },
  ]);
  const batch = createBatch(4, 8);
  fillBatch(batch, counting(20), 8, windows);
  const predicted = [...batch.targets].filter((target) => target !== noTarget);
  expect(predicted).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
  expect(batch.targets.subarray(24).every((target) => target === noTarget)).toBe(true);
});

test('a smaller evaluation is spread over the whole part', () => {
  const windows = evaluationWindows(6401, 64, 640);
  expect(windows.map(({ start }) => start)).toEqual([0, 640, 1280, 1920, 2560, 3200, 3840, 4480, 5120, 5760]);
  expect(evaluationWindows(6401, 64, 10).length).toBe(1);
});

import { expect, test } from 'vitest';
import { LinkMeter } from './link-meter.ts';

test('a large payload counts, half of what is known stays', () => {
  const meter = new LinkMeter();
  meter.note(1_000_000, 500);
  expect(meter.bytesPerSecond).toBe(2_000_000);
  meter.note(1_000_000, 1000);
  expect(meter.bytesPerSecond).toBe(1_500_000);
});

test('a small payload, or one that came at once, says nothing about bandwidth', () => {
  const meter = new LinkMeter();
  meter.note(1000, 5);
  meter.note(1_000_000, 0);
  expect(meter.bytesPerSecond).toBe(0);
});

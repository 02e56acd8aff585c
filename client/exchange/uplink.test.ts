import { afterEach, expect, test, vi } from 'vitest';
import { Uplink } from './uplink.ts';

afterEach(() => vi.useRealTimers());

function measured(bytes: number, drainMs: number): number {
  vi.useFakeTimers();
  let now = 0;
  const uplink = new Uplink(
    () => ({ bytesSent: now === 0 ? 0 : bytes, pendingBytes: now < drainMs ? 1 : 0 }),
    () => now,
  );
  uplink.begin();
  for (let step = 0; step < 100; step++) {
    now += 20;
    vi.advanceTimersByTime(20);
  }
  return uplink.bytesPerSecond;
}

test('a burst counts from its first byte until the links have drained', () => {
  expect(measured(1_000_000, 500)).toBe(2_000_000);
});

test('a short burst says nothing about bandwidth', () => {
  expect(measured(1000, 500)).toBe(0);
});

import { expect, test } from 'vitest';
import { untilAborted } from './wait.ts';

test('waits for an abort, and not for one that has been', async () => {
  const controller = new AbortController();
  let isOver = false;
  const waiting = untilAborted(controller.signal).then(() => (isOver = true));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isOver).toBe(false);
  controller.abort();
  await waiting;
  await untilAborted(controller.signal);
});

import { expect, test, vi } from 'vitest';
import { createAwake } from './awake.ts';

/** A document whose visibility the test changes, and a wake lock that is granted and taken away like a browser's. */
function setUp(isGranted = true) {
  const page = new EventTarget() as EventTarget & { visibilityState: string };
  page.visibilityState = 'visible';
  const locks: EventTarget[] = [];
  const request = vi.fn<() => Promise<unknown>>(async () => {
    if (!isGranted) throw new Error('low battery');
    const lock = new EventTarget();
    locks.push(lock);
    return Object.assign(lock, { release: async () => void lock.dispatchEvent(new Event('release')) });
  });
  const changes: boolean[] = [];
  const wakeLock = { request } as unknown as WakeLock;
  const awake = createAwake(page as unknown as Document, wakeLock, (isHeld) => changes.push(isHeld));
  const look = (visibilityState: string) => {
    page.visibilityState = visibilityState;
    page.dispatchEvent(new Event('visibilitychange'));
  };
  return { awake, request, locks, changes, look };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test('holds the screen while it is wanted', async () => {
  const { awake, changes } = setUp();
  awake.hold();
  await settled();
  awake.release();
  await settled();
  expect(changes).toEqual([true, false]);
});

test('takes the lock again when the tab comes back, if it is still wanted', async () => {
  const { awake, request, locks, changes, look } = setUp();
  awake.hold();
  await settled();
  look('hidden');
  locks[0]!.dispatchEvent(new Event('release')); // as browsers do with a hidden tab
  look('visible');
  await settled();
  expect(changes).toEqual([true, false, true]);
  awake.release();
  look('visible');
  await settled();
  expect(request).toHaveBeenCalledTimes(2);
});

test('a lock that comes too late is given back', async () => {
  const { awake, changes } = setUp();
  awake.hold();
  awake.release();
  await settled();
  expect(changes).toEqual([]);
});

test('a browser that refuses, or knows no wake lock, changes nothing', async () => {
  const { awake, changes } = setUp(false);
  awake.hold();
  createAwake(new EventTarget() as Document, undefined, (isHeld) => changes.push(isHeld)).hold();
  await settled();
  expect(changes).toEqual([]);
});

// The line to the room when its machine sleeps: timers and the clock stand still, then jump.

import { afterEach, expect, test, vi } from 'vitest';
import type { RoomMessage } from '../../../shared/protocol/messages.ts';
import { pingText, pongText } from '../../../shared/protocol/messages.ts';
import { RoomSocket } from './room-socket.ts';

/** A WebSocket whose other side is the test. */
class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 1;
  readonly sent: string[] = [];
  constructor() {
    super();
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.readyState = 3;
  }
  hears(data: string): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  FakeSocket.all = [];
});

test('after ten minutes of sleep the old line is given up at the first ping, and another is opened with a hello', async () => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  const [lost, heard] = [[] as string[], [] as RoomMessage[]];
  const socket = new RoomSocket(
    new URL('ws://127.0.0.1/'),
    {
      hello: () => ({ type: 'hello' }) as never,
      onMessage: (message) => void heard.push(message),
      onLost: (reason) => void lost.push(reason),
      onRefused: () => undefined,
    },
    () => 0,
  );
  const first = FakeSocket.all[0]!;
  first.dispatchEvent(new Event('open'));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(first.sent).toEqual(['{"type":"hello"}', pingText]);
  first.hears(pongText);

  vi.setSystemTime(Date.now() + 600_000); // asleep: no timer runs
  await vi.advanceTimersByTimeAsync(20_000);
  expect(lost).toEqual(['the coordinator is silent']);
  await vi.advanceTimersByTimeAsync(1000);
  const second = FakeSocket.all[1]!;
  second.dispatchEvent(new Event('open'));
  expect(second.sent).toEqual(['{"type":"hello"}']);
  const released = { type: 'released' } as const;
  first.hears(JSON.stringify(released)); // what the old line still brings is not listened to
  second.hears(JSON.stringify(released));
  expect(heard).toEqual([released]);
  socket.close();
});

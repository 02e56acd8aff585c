import { beforeEach, expect, test, vi } from 'vitest';
import type { RoomMessage } from '../../../shared/protocol/messages.ts';
import { Gates } from './gates.ts';
import type { GateRpc } from './gates.ts';
import type { Delivery } from '../outbox.ts';
import { shardOf } from './shards.ts';

const message: RoomMessage = { type: 'released' };
const say = (...to: string[]): Delivery => ({ type: 'send', to, message });
const report = (gate: number, isFresh: boolean) => ({ gate, isFresh, events: [] });
/** The first id of each of two gates, and a second one of gate 0. */
const ids = Array.from({ length: 40 }, (_, i) => `w-${i}`);
const [a, a2] = ids.filter((id) => shardOf(id, 2) === 0) as [string, string];
const [b] = ids.filter((id) => shardOf(id, 2) === 1) as [string];

let stored: Map<string, unknown>;
let calls: { gate: number; steps: readonly Delivery[] | 'restart' }[];
let reachable: boolean;
let working: Promise<void>[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  [stored, calls, reachable, working] = [new Map(), [], true, []];
});

function open(): Gates {
  const store = {
    read: <T>(name: string) => (stored.get(name) ?? null) as T | null,
    write: (name: string, value: unknown) => void stored.set(name, value),
  };
  const call = (gate: number, steps: readonly Delivery[] | 'restart'): Promise<void> => {
    calls.push({ gate, steps });
    return reachable ? Promise.resolve() : Promise.reject(new Error('unreachable'));
  };
  const gate = (index: number): GateRpc => ({
    deliver: (steps) => call(index, [...steps]),
    restart: () => call(index, 'restart'),
  });
  return new Gates({ store, gate, waitUntil: (work) => void working.push(work) }, 2);
}

const settle = async (ms = 0): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));

test('what a tick says to many goes to each gate in one call, in order', async () => {
  const gates = open();
  gates.deliver(say(a, b, a2));
  gates.deliver({ type: 'disconnect', to: a, reason: 'enough' });
  gates.deliver(say(b));
  await settle();
  expect(calls).toEqual([
    { gate: 0, steps: [say(a, a2), { type: 'disconnect', to: a, reason: 'enough' }] },
    { gate: 1, steps: [say(b), say(b)] },
  ]);
});

test('a gate that a call did not reach is asked to hang up until it does, and hears nothing before it has', async () => {
  const gates = open();
  reachable = false;
  gates.deliver(say(a));
  await settle();
  gates.deliver(say(a2, b));
  expect(gates.admits(report(0, false))).toBe(false); // its workers may have missed something
  await settle(4_500);
  reachable = true;
  await settle(2_000);
  const asked = calls.filter(({ gate }) => gate === 0).map(({ steps }) => steps);
  expect(asked).toEqual([[say(a)], 'restart', 'restart', 'restart', 'restart']);
  gates.deliver(say(a));
  await settle();
  expect(gates.admits(report(0, false))).toBe(false);
  expect(gates.admits(report(0, true))).toBe(true); // it says that it has hung up on all
  gates.deliver(say(a2));
  await settle();
  expect(calls.at(-1)).toEqual({ gate: 0, steps: [say(a2)] });
  expect(gates.admits(report(0, false))).toBe(true);
  expect(gates.admits(report(7, true))).toBe(false); // there is no such gate
  await Promise.all(working);
});

test('a room that wakes knows whether anything it had to say may be lost', async () => {
  const gates = open();
  expect(gates.hasLost).toBe(false);
  gates.mark();
  gates.deliver(say(a));
  gates.unmarkWhenIdle(); // it is still on its way
  expect(open().hasLost).toBe(true);
  await settle();
  gates.unmarkWhenIdle();
  expect(open().hasLost).toBe(false);
});

test('after a restart of the room each gate is asked once, and counts again as soon as it has hung up', async () => {
  const gates = open();
  gates.restart();
  await settle(10_000);
  expect(calls).toEqual([
    { gate: 0, steps: 'restart' },
    { gate: 1, steps: 'restart' },
  ]);
  gates.mark();
  gates.unmarkWhenIdle();
  expect(open().hasLost).toBe(true); // not before they have reported
  for (const gate of [0, 1]) expect(gates.admits(report(gate, true))).toBe(true);
  gates.unmarkWhenIdle();
  expect(open().hasLost).toBe(false);
});

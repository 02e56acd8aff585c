import { afterEach, expect, test, vi } from 'vitest';
import { LoomError } from '../../../shared/errors.ts';
import type { WorkerMessage } from '../../../shared/protocol/messages.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { Collector } from './collector.ts';
import { Keepsake } from '../state/keepsake.ts';
import { MemoryStore } from '../store.ts';

afterEach(() => vi.useRealTimers());

const contribution = (hash: string) => ({ workerId: 'w-aaaaaaaa', hash, bytes: 1, tokens: 3 });

/** A collector with an exchange whose payloads the test puts there. */
function setUp() {
  vi.useFakeTimers();
  const payloads = new Map<string, Uint8Array>();
  const exchange = {
    has: (hash: string) => payloads.has(hash),
    obtain: async (_round: number, hash: string) => {
      const payload = payloads.get(hash);
      if (payload === undefined) throw new LoomError('unavailable', 'nobody has it');
      return payload;
    },
  } as unknown as Exchange;
  const said: WorkerMessage[] = [];
  const keepsake = new Keepsake(new MemoryStore(), 'job');
  const collector = new Collector({
    exchange,
    keepsake,
    say: (message) => void said.push(message),
    peerIdOf: () => null,
  });
  return { collector, payloads, said, keepsake };
}

test('payloads that are here are kept, then reported together', async () => {
  const { collector, payloads, said, keepsake } = setUp();
  for (const hash of ['a', 'b']) payloads.set(hash, new Uint8Array(1));
  collector.begin(4);
  for (const hash of ['a', 'b']) collector.expect(contribution(hash));
  await vi.advanceTimersByTimeAsync(100);
  expect(said).toEqual([{ type: 'received', round: 4, hashes: ['a', 'b'] }]);
  expect((await keepsake.payloads()).map(({ round, hash }) => [round, hash])).toEqual([
    [4, 'a'],
    [4, 'b'],
  ]);
});

test('what the room names again is reported again', async () => {
  const { collector, payloads, said } = setUp();
  payloads.set('a', new Uint8Array(1));
  collector.begin(4);
  collector.expect(contribution('a'));
  await vi.advanceTimersByTimeAsync(100);
  collector.expect(contribution('a'));
  await vi.advanceTimersByTimeAsync(100);
  expect(said).toHaveLength(2);
});

test('a payload that does not come is missing, again and again, until it comes or the round is over', async () => {
  const { collector, payloads, said } = setUp();
  collector.begin(4);
  collector.expect(contribution('a'));
  collector.expect(contribution('b'));
  await vi.advanceTimersByTimeAsync(900);
  expect(said).toEqual([]); // a push may still come by itself
  await vi.advanceTimersByTimeAsync(1500);
  expect(said.filter(({ type }) => type === 'missing').length).toBeGreaterThanOrEqual(4);
  payloads.set('a', new Uint8Array(1));
  await vi.advanceTimersByTimeAsync(1500);
  expect(said.at(-1)).toMatchObject({ type: expect.any(String), round: 4 });
  expect(said).toContainEqual({ type: 'received', round: 4, hashes: ['a'] });
  collector.begin(5);
  const before = said.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(said).toHaveLength(before);
});

test('gathers the accepted payloads in their order, or nothing when told to stop', async () => {
  const { collector, payloads } = setUp();
  payloads.set('a', new Uint8Array([1]));
  payloads.set('b', new Uint8Array([2]));
  const gathered = await collector.gather(3, [contribution('b'), contribution('a')], new AbortController().signal);
  expect(gathered).toEqual([
    { payload: new Uint8Array([2]), tokens: 3 },
    { payload: new Uint8Array([1]), tokens: 3 },
  ]);
  const stop = new AbortController();
  const never = collector.gather(3, [contribution('c')], stop.signal);
  await vi.advanceTimersByTimeAsync(5000);
  stop.abort();
  await vi.advanceTimersByTimeAsync(2000);
  expect(await never).toBeNull();
});

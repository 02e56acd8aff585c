import { expect, test } from 'vitest';
import { Keepsake } from './keepsake.ts';
import { MemoryStore } from '../store.ts';

const stateOf = (round: number, digit = 'a') => ({ round, stateHash: digit.repeat(64) });

async function keptRounds(keepsake: Keepsake): Promise<number[]> {
  const sizes = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((round) => keepsake.stateSize(stateOf(round))));
  return sizes.flatMap((size, round) => (size === null ? [] : [round]));
}

test('the latest state, two before it and the pinned one are kept', async () => {
  const keepsake = new Keepsake(new MemoryStore(), 'job');
  for (let round = 0; round < 6; round++) {
    if (round === 2) keepsake.pin(1);
    await keepsake.keepState(stateOf(round), Uint8Array.of(round));
  }
  expect(await keptRounds(keepsake)).toEqual([1, 3, 4, 5]);
  expect(await keepsake.state()).toEqual(Uint8Array.of(5));
  expect(await keepsake.readState(stateOf(1), 0, 9)).toEqual(Uint8Array.of(1));
  expect(await keepsake.readState(stateOf(1, 'b'), 0, 9)).toBeNull();
});

test('states of a past that was given up are dropped, pinned or not', async () => {
  const keepsake = new Keepsake(new MemoryStore(), 'job');
  for (let round = 0; round < 6; round++) await keepsake.keepState(stateOf(round), Uint8Array.of(round));
  keepsake.pin(5);
  await keepsake.keepState(stateOf(4, 'b'), Uint8Array.of(44));
  expect(await keptRounds(keepsake)).toEqual([3]);
  expect(await keepsake.state()).toEqual(Uint8Array.of(44));
});

import { expect, test } from 'vitest';
import { createRandom } from '../../random.ts';
import { Clock } from './clock.ts';
import { Host } from './host.ts';
import { Network } from './network.ts';
import { randomScenario } from './scenario.ts';

test('sockets that have said nothing yet die with the room too: their workers connect anew', () => {
  const scenario = randomScenario(1);
  const host = new Host(new Network(new Clock(0), createRandom(1), scenario), scenario, () => undefined);
  const socket = host.connect('w-00000000', () => undefined);
  host.crash(1_000);
  expect(socket?.isOpen).toBe(false);
});
